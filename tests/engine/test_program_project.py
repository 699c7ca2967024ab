"""Which stack, which configuration and which interpreter: what a preview reads before it runs
anything."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import pytest

from tests.engine.program_folder import program
from zerofloor.engine.project import (
    Config,
    choose_stack,
    load_yaml,
    placeholder,
    read_config,
    read_project,
)
from zerofloor.errors import InputError

LAUGHS = "config:\n  a:l0: &l0 [1, 1]\n" + "".join(
    f"  a:l{i}: &l{i} [*l{i - 1}, *l{i - 1}]\n" for i in range(1, 40)
)
"""Each alias doubles what stands before."""


def config_of(folder: Path, stack: str = "dev") -> Config:
    return read_config(read_project(folder), stack)


def test_a_project_says_what_runs(tmp_path: Path) -> None:
    project = read_project(
        program(
            tmp_path,
            "",
            project="runtime: {name: python, options: {virtualenv: venv}}\nmain: app/run.py",
        )
    )
    assert (project.name, project.runtime, project.program) == (
        "test",
        "python",
        tmp_path / "app" / "run.py",
    )
    assert project.python == Path(sys.executable)  # There is no such environment.


def test_main_may_name_a_folder(tmp_path: Path) -> None:
    (tmp_path / "app").mkdir()
    assert (
        read_project(program(tmp_path, "", project="runtime: python\nmain: app")).program
        == tmp_path / "app" / "__main__.py"
    )


def test_the_projects_own_environment_runs_it_if_pulumi_is_in_it(tmp_path: Path) -> None:
    folder = program(tmp_path, "", project="runtime: {name: python, options: {toolchain: uv}}")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").touch()
    assert read_project(folder).python == Path(sys.executable)
    (tmp_path / ".venv" / "lib" / "python3.12" / "site-packages" / "pulumi").mkdir(parents=True)
    assert read_project(folder).python == tmp_path / ".venv" / "bin" / "python"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("name: [", "not YAML: .* in line 2"),
        ("", "needs a `name` and a `runtime`"),
        ("- a\n", "needs a `name` and a `runtime`"),
        ("name: test\n", "needs a `name` and a `runtime`"),
        ("name: 3\nruntime: python\n", "needs a `name` and a `runtime`"),
        ("name: test\nruntime: python\nconfig: 3\n", "`config` is not a mapping"),
        (
            "name: test\nruntime: python\nconfig: {'a:b:c': 1}\n",
            "'a:b:c' is not a configuration key",
        ),
        ("name: \x00\n", "not YAML"),
        ("[" * 5000, "nested more than 200 levels deep"),
    ],
)
def test_a_broken_project_is_refused_in_one_line(tmp_path: Path, content: str, says: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text(content)
    with pytest.raises(InputError, match=says) as raised:
        read_project(tmp_path)
    assert "\n" not in str(raised.value)
    assert "Pulumi.yaml" in str(raised.value)


def test_a_file_may_be_200_levels_deep(tmp_path: Path) -> None:
    file = tmp_path / "Pulumi.dev.yaml"
    file.write_text("[" * 200 + "]" * 200)
    depth, value = 0, load_yaml(file)
    while isinstance(value, list):
        depth, value = depth + 1, next(iter(value), None)
    assert depth == 200
    file.write_text("[" * 201 + "]" * 201)
    with pytest.raises(InputError, match="nested more than 200 levels deep"):
        load_yaml(file)


def test_no_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"there is no Pulumi\.yaml"):
        read_project(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_project(tmp_path / "nowhere")


class TestChoosingTheStack:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        folder = program(tmp_path / "project", "")
        (folder / "Pulumi.prod.yaml").write_text("")
        return folder

    def test_the_one_asked_for_comes_first(self, folder: Path) -> None:
        assert choose_stack(folder, "prod", {"PULUMI_STACK": "dev"}) == "prod"
        assert choose_stack(folder, None, {"PULUMI_STACK": "dev"}) == "dev"

    def test_then_the_one_that_the_workspace_has_selected(self, folder: Path) -> None:
        # pkg/workspace/workspace.go: NAME-SHA1(path of Pulumi.yaml)-workspace.json under
        # PULUMI_HOME or ~/.pulumi.
        digest = hashlib.sha1(str(folder / "Pulumi.yaml").encode()).hexdigest()
        home = folder.parent / "home"
        (home / ".pulumi" / "workspaces").mkdir(parents=True)
        (home / ".pulumi" / "workspaces" / f"test-{digest}-workspace.json").write_text(
            json.dumps({"stack": "acme/test/prod"})
        )
        assert choose_stack(folder, None, {"HOME": str(home)}) == "acme/test/prod"
        assert (
            choose_stack(folder, None, {"HOME": "/nowhere", "PULUMI_HOME": str(home / ".pulumi")})
            == "acme/test/prod"
        )

    def test_then_the_only_one(self, folder: Path) -> None:
        (folder / "Pulumi.dev.yaml").unlink()
        assert choose_stack(folder, None, {}) == "prod"

    def test_else_the_candidates_are_named(self, folder: Path) -> None:
        with pytest.raises(InputError, match=r"which stack.*--stack.*dev, prod"):
            choose_stack(folder, None, {})
        for file in folder.glob("Pulumi.*.yaml"):
            file.unlink()
        with pytest.raises(InputError, match="no stack"):
            choose_stack(folder, None, {})


class TestConfiguration:
    def test_values_reach_the_program_as_the_engine_writes_them(self, tmp_path: Path) -> None:
        config = config_of(
            program(
                tmp_path,
                "",
                config="""
                    test:text: words
                    test:yes: yes
                    test:flag: true
                    test:number: 3
                    test:ratio: 0.5
                    test:day: 2026-11-24
                    test:time: 1:30
                    test:tree: {b: [1, true], a: {c: x}}
                    aws:config:region: us-west-2
                """,
            )
        )
        assert config.values == {
            "test:text": "words",
            "test:yes": "yes",
            "test:flag": "true",
            "test:number": "3",
            "test:ratio": "0.5",
            "test:day": "2026-11-24",
            "test:time": "1:30",
            "test:tree": '{"a":{"c":"x"},"b":[1,true]}',
            "aws:region": "us-west-2",
        }
        assert config.secret == frozenset()

    def test_what_is_encrypted_is_replaced_and_secret(self, tmp_path: Path) -> None:
        config = config_of(
            program(
                tmp_path, "", config="test:a: {secure: v1:x}\ntest:b: {c: [{secure: v1:y}], d: 1}"
            )
        )
        first, second = placeholder("test:a#0"), placeholder("test:b#0")
        assert config.values == {"test:a": first, "test:b": f'{{"c":["{second}"],"d":1}}'}
        assert config.secret == {"test:a", "test:b"}
        assert config.undecrypted == {first: "test:a", second: "test:b"}
        assert config.visible == {}

    def test_the_project_gives_what_the_stack_does_not(self, tmp_path: Path) -> None:
        project = """
            runtime: python
            config:
              short: 1
              long: {type: integer, default: 2}
              own: {default: 3}
              hidden: {default: four, secret: true}
              aws:region: {value: us-west-2}
              other:optional: {type: string}
        """
        config = config_of(program(tmp_path, "", config="test:own: 30", project=project))
        assert config.visible == {
            "test:short": "1",
            "test:long": "2",
            "test:own": "30",
            "aws:region": "us-west-2",
        }
        assert config.values["test:hidden"] == "four"

    def test_what_the_project_requires_must_be_there(self, tmp_path: Path) -> None:
        folder = program(
            tmp_path,
            "",
            project="runtime: python\nconfig: {needed: {type: string}, too: {type: string}}",
        )
        with pytest.raises(
            InputError,
            match=(
                r"Pulumi\.dev\.yaml: the stack 'dev' is missing the configuration test:needed, "
                r"test:too"
            ),
        ):
            config_of(folder)

    def test_a_stack_without_a_file_is_refused_with_those_that_have_one(
        self, tmp_path: Path
    ) -> None:
        with pytest.raises(
            InputError, match=r"the stack 'prod' has no Pulumi\.prod\.yaml \(stacks with one: dev\)"
        ):
            config_of(program(tmp_path, ""), "acme/test/prod")

    @pytest.mark.parametrize(
        "content",
        [
            "config: 3",
            "- a",
            "config: {plain: 1}",
            "config: {'a:b': {",
            "config: {'a:b': " + "[" * 3000,
            LAUGHS,
            "config: {'a:b': &a [*a]}",
        ],
    )
    def test_a_broken_file_is_refused_in_one_line(self, tmp_path: Path, content: str) -> None:
        folder = program(tmp_path, "")
        (folder / "Pulumi.dev.yaml").write_text(content)
        with pytest.raises(InputError, match=r"Pulumi\.dev\.yaml: |the configuration a:") as raised:
            config_of(folder)
        assert "\n" not in str(raised.value)

    def test_a_huge_file_is_refused(self, tmp_path: Path) -> None:
        folder = program(tmp_path, "")
        (folder / "Pulumi.dev.yaml").write_bytes(b"#" * (4 * 1024 * 1024 + 1))
        with pytest.raises(InputError, match="larger than 4 MiB"):
            config_of(folder)

    def test_environments_are_told(self, tmp_path: Path) -> None:
        folder = program(tmp_path, "")
        for said, names in (
            ("[acme/dev, {acme/prod: {merge: false}}]", ("acme/dev", "acme/prod")),
            ("{imports: [base], values: {}}", ("base",)),
        ):
            (folder / "Pulumi.dev.yaml").write_text(f"environment: {said}\n")
            assert config_of(folder).environments == names
