"""Writes the pages under docs/ that are made from the code; with --check says which are stale and
writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

MADE = "<!-- Made by tools/docs.py; edit what it is made from. -->"


def rules_page() -> Iterator[str]:
    """docs/rules.md"""
    from zerofloor.rules import all_rules

    yield "# Rules"
    yield MADE
    yield ""
    yield (
        "An error holds a GPU; a warning might. `zerofloor.yaml` changes a rule's severity or turns "
        "the rule off:"
    )
    yield ""
    yield "```yaml"
    yield "rules: {long-idle-tail: error, unbounded-gpu-ceiling: off}"
    yield "```"
    yield ""
    yield (
        "Examples that begin with `resources:` are a shorthand: type, name and inputs of Pulumi "
        "resources. `settings:` stands for zerofloor.yaml beside them, `policy:` for the "
        "organisation's settings."
    )
    yield ""
    yield "| rule | name | severity | finds |"
    yield "|---|---|---|---|"
    for rule in all_rules():
        yield (
            f"| {rule.id} | [{rule.name}](#{rule.id.lower()}-{rule.name}) | {rule.severity} | "
            f"{rule.title} |"
        )
    for rule in all_rules():
        yield ""
        yield f"## {rule.id} {rule.name}"
        yield ""
        yield f"{rule.title}. *{rule.severity}, since {rule.since}*"
        yield ""
        yield rule.why
        yield ""
        yield f"**Change:** {rule.fix}"
        if rule.scope == "resource":
            yield ""
            yield (
                "Where one resource decides it, it is also checked before that resource is "
                "created, in an update without a preview too."
            )
        for heading, example in (("Bad", rule.bad), ("Good", rule.good)):
            yield ""
            yield f"{heading}:"
            yield ""
            yield f"```yaml\n{example.rstrip()}\n```"


def cli_page() -> Iterator[str]:
    """docs/cli.md"""
    from zerofloor.cli.main import COMMANDS, functions_of, group_help_text, help_text
    from zerofloor.cli.parsing import help_of

    yield "# Command line"
    yield MADE
    yield ""
    yield (
        "Results go to stdout, everything else to stderr. Colour and progress only on a "
        "terminal; `NO_COLOR` is obeyed."
    )
    yield ""
    yield "| exit | means |"
    yield "|---|---|"
    yield "| 0 | the gate passes |"
    yield "| 1 | the gate does not pass |"
    yield (
        "| 2 | something could not be judged: bad usage, an unreadable or partial input (the "
        "rest is still reported), a failure of ours |"
    )
    yield "| 130 | interrupted |"
    yield ""
    yield (
        "Several files are judged one by one and make one JSON list; with `--join` they are "
        "one estate, as a folder of manifests is."
    )
    yield ""
    yield "```\n" + help_text().strip() + "\n```"
    for name in COMMANDS:
        functions = functions_of(name)
        yield ""
        yield f"## zerofloor {name}"
        yield ""
        if "" not in functions:
            yield "```\n" + group_help_text(name).strip() + "\n```"
            yield ""
        for sub, function in functions.items():
            yield "```\n" + help_of(function, f"zerofloor {name} {sub}".strip()) + "\n```"
    yield from settings_section()


def settings_section() -> Iterator[str]:
    """The example of zerofloor.yaml, which a test reads as settings."""
    yield ""
    yield "## zerofloor.yaml"
    yield ""
    yield (
        "Settings are looked for next to the input, then in the current folder: `zerofloor.yaml`, or "
        "`[tool.zerofloor]` in `pyproject.toml`."
    )
    yield (
        "`--settings FILE` names another file; `zerofloor schema settings` prints their schema. An "
        "unknown key is refused. Who may set what,"
    )
    yield "waivers, limits and baselines: [settings](settings.md)."
    for name, heading in (("zerofloor", ""), ("policy", "An organisation's (`--policy FILE`):")):
        if heading:
            yield ""
            yield heading
        example = (ROOT / "tools" / f"{name}.example.yaml").read_text(encoding="utf-8")
        yield ""
        yield f"```yaml\n{example.rstrip()}\n```"
    yield ""
    yield (
        "A waiver permits a finding only while its cost is known to be within the cap. For "
        "`undecided-gpu` and `unpriced-gpu` no cost is"
    )
    yield (
        "known by their nature: a waiver that names one of them accepts that, one for `*` does "
        "not. What an expired waiver"
    )
    yield "permitted blocks again, and the report says so."


def ways_page() -> Iterator[str]:
    """docs/evidence/ways.md"""
    from zerofloor.rules import all_rules

    yield "# Ways in which an idle GPU bills"
    yield MADE
    yield ""
    yield (
        "Each is caught by a rule, whose page has an example, or out of reach for the reason "
        "given. A number is never used again; one that is missing here holds no GPU by itself."
    )
    yield ""
    yield "| way | what | platforms | rules | out of reach |"
    yield "|---:|---|---|---|---|"
    for way in yaml.safe_load((ROOT / "tools" / "ways.yaml").read_text(encoding="utf-8")):
        rules = [
            f"[{rule.name}](../rules.md#{rule.id.lower()}-{rule.name})"
            for rule in all_rules()
            if way["number"] in rule.ways
        ]
        if not rules and not way.get("beyond"):
            raise SystemExit(
                f"way {way['number']}: no rule names it, and tools/ways.yaml does not say why"
            )
        yield (
            f"| {way['number']} | {way['what']} | {way['platforms']} | {', '.join(rules)} | "
            f"{way.get('beyond', '')} |"
        )


def cases_page() -> Iterator[str]:
    """docs/evidence/cases.md"""
    from tests import outcomes
    from tests.test_cases import CLOUDS_DONE, EXPLAINED

    yield "# What comes out of labelled stacks"
    yield MADE
    yield ""
    yield (
        "Stacks that others published, with the label that they were given. A count that the "
        "label leaves open may be any."
    )
    yield ""
    yield "| case | cloud | label | found | |"
    yield "|---|---|---|---|---|"
    for one in outcomes.of_cases():
        note = (
            ""
            if one.agrees
            else EXPLAINED.get(one.name)
            or (f"ambiguous: {one.ambiguous}" if one.ambiguous else "differs")
        )
        if note == "differs" and one.cloud not in CLOUDS_DONE:
            note = "not read yet"
        yield f"| {one.name} | {one.cloud} | {one.expected} | {one.found} | {_cell(note)} |"
    for static, text in (
        (
            True,
            (
                "Manifests whose outcome they decide, and what was left on a real control "
                "plane with KEDA and Karpenter."
            ),
        ),
        (
            False,
            (
                "Manifests whose outcome turns on what they don't show (a webhook that was "
                "down, a gate, a hand on kubectl): for comparison."
            ),
        ),
    ):
        yield ""
        yield text
        yield ""
        yield (
            "| scenario | expected | found | what was seen |"
            if static
            else "| scenario | found | what was seen |"
        )
        yield "|---|---|---|---|" if static else "|---|---|---|"
        for one in outcomes.of_truths():
            if bool(one.expected) is static:
                middle = f"{one.expected} | {one.found}" if static else one.found
                mark = "" if one.agrees else f" **{EXPLAINED.get(one.name, 'differs')}**"
                yield (
                    f"| {one.name} | {_cell(middle) if not static else middle}{mark} | "
                    f"{_cell(one.why)} |"
                )


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "rules.md": rules_page,
    "cli.md": cli_page,
    "evidence/ways.md": ways_page,
    "evidence/cases.md": cases_page,
}


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def main(arguments: list[str]) -> int:
    """Writes the pages, or with --check names the stale ones."""
    stale = []
    for name, page in PAGES.items():
        path = ROOT / "docs" / name
        text = "\n".join(page()) + "\n"
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(f"docs/{name}")
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in arguments:
        sys.stderr.write(f"stale: {', '.join(stale)}; run `python tools/docs.py`\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
