"""Writes zerofloor/documents/terraform/names.json: which Pulumi type a Terraform type is, and where
the types that zerofloor reads take one object or a list of them.

Made from Pulumi's own SDKs (pulumi_aws, pulumi_gcp, pulumi_azure, pulumi_kubernetes: types, names,
objects and lists) and, for Google and Azure, from the bridge's own table of types
(bridge-metadata.json in pulumi/pulumi-gcp and pulumi/pulumi-azure). All Apache-2.0.

    python -m tools.terraform_names --bridge gcp=FILE --bridge azure=FILE

pulumi_azure is in no requirements file (100 MB): install it beside the others to run this.
"""

from __future__ import annotations

import argparse
import importlib
import json
import re
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Union, get_args, get_origin

from pulumi._types import input_type_types, is_input_type, unwrap_type

from zerofloor import platforms

TARGET = Path(__file__).parents[1] / "zerofloor" / "documents" / "terraform" / "names.json"

SDKS = {"aws": "pulumi_aws", "gcp": "pulumi_gcp", "azure": "pulumi_azure"}
PREFIXES = {"aws": "aws_", "gcp": "google_", "azure": "azurerm_"}

AWS_OTHERS = {
    "aws_alb": "aws:lb/loadBalancer:LoadBalancer",
    "aws_alb_listener": "aws:lb/listener:Listener",
    "aws_alb_target_group": "aws:lb/targetGroup:TargetGroup",
    "aws_autoscaling_group_tag": "aws:autoscaling/tag:Tag",
    "aws_db_instance": "aws:rds/instance:Instance",
    "aws_ec2_host": "aws:ec2/dedicatedHost:DedicatedHost",
    "aws_ec2_instance_state": "aws:ec2transitgateway/instanceState:InstanceState",
    "aws_elb": "aws:elb/loadBalancer:LoadBalancer",
    "aws_lb": "aws:lb/loadBalancer:LoadBalancer",
}
"""What is not the module and the name together, nor a name of EC2's (pulumi-aws,
provider/resources.go)."""

KUBERNETES = {
    "cron_job": "kubernetes:batch/v1:CronJob",
    "daemonset": "kubernetes:apps/v1:DaemonSet",
    "daemon_set_v1": "kubernetes:apps/v1:DaemonSet",
    "deployment": "kubernetes:apps/v1:Deployment",
    "horizontal_pod_autoscaler": "kubernetes:autoscaling/v1:HorizontalPodAutoscaler",
    "horizontal_pod_autoscaler_v2": "kubernetes:autoscaling/v2:HorizontalPodAutoscaler",
    "job": "kubernetes:batch/v1:Job",
    "pod": "kubernetes:core/v1:Pod",
    "pod_disruption_budget": "kubernetes:policy/v1:PodDisruptionBudget",
    "priority_class": "kubernetes:scheduling.k8s.io/v1:PriorityClass",
    "replication_controller": "kubernetes:core/v1:ReplicationController",
    "stateful_set": "kubernetes:apps/v1:StatefulSet",
    "config_map": "kubernetes:core/v1:ConfigMap",
    "namespace": "kubernetes:core/v1:Namespace",
    "node_taint": "kubernetes:core/v1:Node",
    "resource_quota": "kubernetes:core/v1:ResourceQuota",
    "secret": "kubernetes:core/v1:Secret",
    "service": "kubernetes:core/v1:Service",
    "service_account": "kubernetes:core/v1:ServiceAccount",
}
"""hashicorp/kubernetes' types without the prefix; each but those of a version exists with `_v1`
too."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bridge", action="append", default=[], metavar="NAME=FILE")
    bridges = dict(given.split("=", 1) for given in parser.parse_args().bridge)
    warnings.simplefilter("ignore")
    types: dict[str, str] = {"helm_release": "helm:index/release:Release"}
    shapes: dict[str, Any] = {}
    readers = platforms.all_platforms()
    for package, sdk in SDKS.items():
        classes = dict(_resources(sdk))
        if package in bridges:
            types |= _by_bridge(Path(bridges[package]))
        else:
            types |= _by_name(classes)
        for token, arguments in classes.items():
            if any(platform.reads(token) for platform in readers):
                shapes[token] = _shape(arguments, ())
    for name, token in KUBERNETES.items():
        types[f"kubernetes_{name}"] = token
        if not name.endswith(("_v1", "_v2")):
            types.setdefault(f"kubernetes_{name}_v1", token)
        shapes[token] = _shape(_kubernetes(token), ())
    text = json.dumps({"types": types, "shapes": shapes}, sort_keys=True, separators=(",", ":"))
    TARGET.write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")


def _resources(sdk: str) -> Iterator[tuple[str, Any]]:
    """Every resource's token, and the class of its arguments, by the list that an SDK registers."""
    package = importlib.import_module(sdk)
    listed = re.search(
        r'resource_modules="""(.*?)"""', Path(package.__path__[0], "__init__.py").read_text(), re.S
    )
    assert listed is not None
    for module in json.loads(listed[1]):
        for token, name in module["classes"].items():
            arguments = getattr(importlib.import_module(module["fqn"]), f"{name}Args", None)
            if "/" in token and arguments is not None:
                yield token, arguments


def _kubernetes(token: str) -> Any:
    _, path, kind = token.split(":")
    group, version = path.split("/")
    module = group.removesuffix(".k8s.io").replace(".", "_")
    return getattr(
        importlib.import_module(f"pulumi_kubernetes.{module}.{version}"), f"{kind}InitArgs"
    )


def _by_bridge(file: Path) -> dict[str, str]:
    document = json.loads(file.read_text(encoding="utf-8"))
    resources = document["auto-aliasing"]["resources"]
    return {name: str(found["current"]) for name, found in resources.items()}


def _by_name(classes: Mapping[str, Any]) -> dict[str, str]:
    """AWS: `aws_` with the module and the name, or the name alone where it is EC2's or unique."""
    whole: dict[str, str] = {}
    alone: dict[str, list[str]] = {}
    for token in classes:
        module, name = token.split(":")[1].split("/")
        whole[f"aws_{_squeezed(module)}{_squeezed(name)}"] = token
        alone.setdefault(f"aws_{_squeezed(name)}", []).append(token)
    for name, tokens in alone.items():
        of_ec2 = [token for token in tokens if token.startswith("aws:ec2/")]
        if of_ec2 or len(tokens) == 1:
            whole.setdefault(name, (of_ec2 or tokens)[0])
    return whole | {f"aws_{_squeezed(k[4:])}": v for k, v in AWS_OTHERS.items()}


def _squeezed(name: str) -> str:
    return name.replace("_", "").lower()


def _shape(kind: Any, above: tuple[Any, ...]) -> dict[str, Any]:
    """For each property: 0 for plain values and maps, a shape for an object, a list of one shape
    for a list of objects."""
    shape: dict[str, Any] = {}
    for name, declared in sorted(input_type_types(kind).items()):
        options = _options(declared)
        objects = [option for option in options if is_input_type(option) and option not in above]
        items = [inner for option in options for inner in _items(option) if inner not in above]
        if objects:
            shape[name] = _shape(objects[0], (*above, objects[0]))
        elif items:
            shape[name] = [_shape(items[0], (*above, items[0]))]
        else:
            shape[name] = 0
    return shape


def _items(option: Any) -> list[Any]:
    """The objects that a list has."""
    if getattr(get_origin(option), "__name__", "") not in ("list", "Sequence"):
        return []
    return [inner for inner in _options(get_args(option)[0]) if is_input_type(inner)]


def _options(kind: Any) -> list[Any]:
    """The plain types that a declared type admits."""
    if get_origin(kind) is Union:
        found = [option for part in get_args(kind) for option in _options(part)]
        return [option for option in found if option is not type(None)]
    if getattr(get_origin(kind), "__name__", "") in ("Awaitable", "Output"):
        return []
    plain = unwrap_type(kind) if get_origin(kind) is not None else kind
    return [kind] if plain is kind or get_origin(kind) is not None else [plain]


if __name__ == "__main__":
    main()
