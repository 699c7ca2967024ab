"""A file that is no document: the message says what it is and what to do with it."""

from __future__ import annotations

import pytest

from zerofloor.documents import read
from zerofloor.errors import InputError

PROSE = b"MIT License\n\nPermission is granted\nfree of charge\nto any person\nobtaining: a copy\n"
PROJECT = b"name: shop\nruntime: yaml\nresources: {}\n"


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("app/Pulumi.yaml", PROJECT, "a Pulumi project: judge it with `zerofloor preview app`"),
        ("shop.yaml", PROJECT, "a Pulumi project: judge it with `zerofloor preview .`"),
        (
            "Pulumi.dev.yaml",
            b"config: {}\n",
            "the configuration of a stack: judge it with `zerofloor preview . --stack dev`",
        ),
        ("app/__main__.py", b"import pulumi\n", "the source of a program: judge it with "),
        ("main.tf", b'resource "a" "b" {}\n', "Terraform's source: give what "),
        ("chart/Chart.yaml", b"apiVersion: v2\nname: a\n", "a Helm chart: judge what it renders, "),
        ("zerofloor.yaml", b"limits: {}\n", "zerofloor's own settings: "),
        ("LICENSE", PROSE, "not a format that zerofloor reads: expected "),
        ("note.txt", b"kinds of things\n", "not a format that zerofloor reads: expected "),
        ("pyproject.toml", b"[build-system]\n", "not a format that zerofloor reads: expected "),
        ("r.json", b'{"schema": "zerofloor.report/1"}', "zerofloor's own output (report): to com"),
        ("b.json", b'{"schema": "zerofloor.baseline/1"}', "zerofloor's own output (baseline): use"),
        ("f.json", b'{"schema": "zerofloor.fix/1"}', "zerofloor's own output (fix): judge the do"),
        # What may be a document says itself what is wrong with it.
        ("other.json", b'{"schema": "other/1"}', "a JSON object of another kind: expected "),
        ("values.yaml", b"replicas: 1\n", "document 1 (line 1) has no apiVersion and kind: "),
        ("stdin", b"Error: x\n", "document 1 (line 1) has no apiVersion and kind: "),
        ("a.json", b"[1]", "it is a JSON array: expected "),
    ],
)
def test_told_what_it_is(name: str, data: bytes, told: str) -> None:
    with pytest.raises(InputError) as raised:
        read(name, data)
    assert str(raised.value).startswith(f"{name}: {told}")


@pytest.mark.parametrize("name", ["server.txt", "server", "server.yaml"])
def test_a_manifest_may_have_any_name(name: str) -> None:
    stack = read(name, b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n")
    assert [resource.name for resource in stack.resources] == ["default/a"]
