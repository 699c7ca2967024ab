"""Names in settings that must exist elsewhere: rules, clouds, regions, models. A slip in one of
them would change nothing, silently."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from zerofloor.errors import InputError
from zerofloor.settings.nodes import Node, shown_key
from zerofloor.spelling import did_you_mean

CLOUDS: Final = frozenset(
    {
        "alibaba", "aws", "azure", "baseten", "civo", "coreweave", "crusoe", "databricks",
        "digitalocean", "exoscale", "fireworks", "gcp", "genesis", "huggingface", "ibm", "ionos",
        "koyeb", "lambda", "linode", "nebius", "oci", "ovh", "replicate", "runpod", "scaleway",
        "snowflake", "tencent", "together", "upcloud", "vultr",
    }
)  # fmt: skip
"""The clouds and managed services whose resources have a region, as `region` names them."""

_ALSO: Final[Mapping[str, str]] = {
    "amazon": "aws",
    "aws-native": "aws",
    "azure-native": "azure",
    "gce": "gcp",
    "google": "gcp",
    "google-native": "gcp",
    "googlecloud": "gcp",
    "microsoft": "azure",
    "oracle": "oci",
}
"""What people call them, too."""


def check_names(node: Node, ids: Mapping[str, str]) -> None:
    """Raises InputError where a settings document that is otherwise right names what there is not;
    `ids` has each rule's ID by its ID and by its name."""
    faults = [*_rule_faults(node, ids), *_region_faults(node), *_model_faults(node)]
    if faults:
        raise InputError("; ".join(faults))


def nearest_rule(word: str, ids: Mapping[str, str]) -> str:
    """`; did you mean X?` with the ID of the same number or the nearest name; empty where there is
    none: the next number is another rule."""
    numbered = re.fullmatch(r"(?:gpu)?\W*(\d{1,6})", word.strip(), re.IGNORECASE)
    if numbered is None:
        return did_you_mean(word, [name for name, rule in ids.items() if name != rule])
    rule = f"GPU{int(numbered[1]):03}"
    return f"; did you mean {rule}?" if rule in ids else ""


def _rule_faults(node: Node, ids: Mapping[str, str]) -> Iterator[str]:
    for place, path, word in _named_rules(node):
        if word not in ids:
            near = nearest_rule(word, ids) or "; `zerofloor rules` lists them"
            yield f"{place}: {path}: there is no rule {shown_key(word)}{near}"


def _named_rules(node: Node) -> Iterator[tuple[str, str, str]]:
    """Each name of a rule: its place, its setting and the name. Waivers take one in any case."""
    levels = _part(node, "rules")
    if levels is not None and isinstance(levels.value, dict):
        for word, level in levels.value.items():
            yield level.place, "rules", word
    waivers = _part(node, "waivers")
    for waiver in waivers.value if waivers is not None else ():
        rule = _part(waiver, "rule")
        if rule is not None and rule.value != "*":
            word = rule.value
            yield rule.place, "waivers", word.upper() if word[:3].lower() == "gpu" else word.lower()


def _region_faults(node: Node) -> Iterator[str]:
    regions = _part(node, "region")
    if regions is None or not isinstance(regions.value, dict):
        return
    for cloud, region in regions.value.items():
        if cloud not in CLOUDS:
            yield f"{region.place}: region: unknown cloud {shown_key(cloud)}{_near_cloud(cloud)}"
            continue
        from zerofloor.prices.regions import fault_of

        fault = fault_of(cloud, region.value)
        if fault:
            yield f"{region.place}: region.{cloud}: {shown_key(region.value)} is {fault}"


def _model_faults(node: Node) -> Iterator[str]:
    serverless = _part(node, "serverless")
    model = None if serverless is None else _part(serverless, "model")
    if model is None or model.value is None:
        return
    from zerofloor.cost.serverless import has_token_price, priced_models

    if not has_token_price(model.value):
        near = did_you_mean(model.value, priced_models())
        known = near or f"; known: {', '.join(priced_models())}"
        yield f"{model.place}: serverless.model: no token price for {_shown(model.value)}{known}"


def _shown(text: str) -> str:
    return text if re.fullmatch(r"[\w./:-]{1,60}", text) else "this model"


def _near_cloud(word: str) -> str:
    also = _ALSO.get(word.strip().lower())
    return f"; did you mean {also}?" if also else did_you_mean(word, CLOUDS)


def _part(node: Node, key: str) -> Node | None:
    found = node.value.get(key) if isinstance(node.value, dict) else None
    return found if isinstance(found, Node) else None
