"""What clouds answer when a program looks something up, as far as it is known without asking: each
answer is an assumption.

Zones and default regions:
docs.aws.amazon.com/global-infrastructure/latest/regions/aws-availability-zones.html and
aws-regions.html.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

ACCOUNT: Final = "123456789012"
"""The account that AWS' own documentation uses."""

DEFAULT_REGIONS: Final = (
    "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
    "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
"""The regions that every account has; others have to be opted into."""

ZONES: Final = {
    "us-east-1": "abcdef",
    "us-west-2": "abcd",
    "us-west-1": "ac",
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
}
"""The letters of the zones where they are not a, b, c."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An invoke's result, and the assumption it makes."""

    result: Mapping[str, Any]
    assumption: str


@dataclass(frozen=True, slots=True)
class Question:
    """One invoke: its token and arguments, and what is configured."""

    token: str
    args: Mapping[str, Any]
    config: Mapping[str, str]
    """The stack's visible configuration."""
    region: str | None
    """The region of the provider that the invoke goes to, else the configured one."""


def answer(question: Question) -> Answer | None:
    """The known answer; None where only the cloud knows. InputError where a manifest can't be
    decoded."""
    if question.token == "kubernetes:yaml:decode":
        return _decoded(question)
    if question.token == "aws:iam/getPolicyDocument:getPolicyDocument":
        return Answer(_policy_document(question.args), "")
    short = question.token.replace("/", ":").split(":")
    name = f"{short[0]}.{short[-1]}"
    if name.startswith("aws."):
        return _aws(name, question)
    if name == "gcp.getClientConfig" and (project := question.config.get("gcp:project")):
        region, zone = question.config.get("gcp:region", ""), question.config.get("gcp:zone", "")
        result = {
            "project": project,
            "region": region,
            "zone": zone,
            "id": f'projects/"{project}"/regions/"{region}"/zones/"{zone}"',
        }
        return Answer(
            result,
            (
                f"project {project}, region {region or 'none'}, zone {zone or 'none'}, from "
                "the configuration"
            ),
        )
    if name.startswith("gcp."):
        return _google(name, question)
    if name in ("azure-native.getClientConfig", "azure.getClientConfig"):
        asked = {
            key: question.config.get(f"{short[0]}:{key}")
            for key in ("subscriptionId", "tenantId", "clientId")
        }
        nobody = "00000000-0000-0000-0000-000000000000"
        result = {**{key: value or nobody for key, value in asked.items()}, "objectId": nobody}
        missing = [key for key, value in asked.items() if not value] + ["objectId"]
        return Answer(result, f"zeros for {', '.join(missing)}")
    return None


def _aws(name: str, question: Question) -> Answer | None:
    region = question.args.get("region") or question.args.get("name") or question.region
    if name == "aws.getCallerIdentity":
        arn = f"arn:{_partition(region)[0]}:iam::{ACCOUNT}:root"
        return Answer(
            {"accountId": ACCOUNT, "arn": arn, "userId": ACCOUNT, "id": ACCOUNT},
            f"account {ACCOUNT}, as in AWS' documentation",
        )
    if (
        name == "aws.getRegions"
        and not question.args.get("allRegions")
        and not question.args.get("filters")
    ):
        return Answer(
            {"names": list(DEFAULT_REGIONS), "id": "aws"},
            f"the {len(DEFAULT_REGIONS)} regions that need no opt-in",
        )
    if not isinstance(region, str):
        return None
    partition, suffix, reverse = _partition(region)
    if name == "aws.getRegion":
        return Answer(
            {"name": region, "region": region, "id": region, "endpoint": f"ec2.{region}.{suffix}"},
            f"region {region}",
        )
    if name == "aws.getPartition":
        return Answer(
            {
                "partition": partition,
                "dnsSuffix": suffix,
                "reverseDnsPrefix": reverse,
                "id": partition,
            },
            f"partition {partition}",
        )
    if name == "aws.getAvailabilityZones" and set(question.args) <= {"state", "region"}:
        letters = ZONES.get(region, "abc")
        result = {
            "names": [region + letter for letter in letters],
            "zoneIds": [f"{region}-az{i + 1}" for i in range(len(letters))],
            "groupNames": [region],
            "id": region,
            "region": region,
        }
        return Answer(result, f"zones {', '.join(letters)} of {region}")
    return None


GOOGLE_ZONES: Final = {
    "us-central1": "abcf",
    "us-east1": "bcd",
    "europe-west1": "bcd",
}
"""The letters of Google's zones where they are not a, b, c
(docs.cloud.google.com/compute/docs/regions-zones)."""


def _google(name: str, question: Question) -> Answer | None:
    """Zones, versions, images and the project, by what is configured. None of them names a
    machine."""
    config = question.config
    zone = config.get("gcp:zone", "")
    region = question.args.get("region") or question.region or config.get("gcp:region")
    region = region or zone.rpartition("-")[0]
    project = str(question.args.get("project") or config.get("gcp:project") or "project")
    if name == "gcp.getZones" and isinstance(region, str) and region:
        letters = GOOGLE_ZONES.get(region, "abc")
        names = [f"{region}-{letter}" for letter in letters]
        result = {"id": f"projects/{project}/regions/{region}", "names": names, "region": region}
        return Answer({**result, "project": project}, f"zones {', '.join(letters)} of {region}")
    if name == "gcp.getEngineVersions":
        return Answer(
            {
                "id": project,
                "latestMasterVersion": _GKE,
                "latestNodeVersion": _GKE,
                "defaultClusterVersion": _GKE,
                "validMasterVersions": [_GKE],
                "validNodeVersions": [_GKE],
                "releaseChannelDefaultVersion": dict.fromkeys(_CHANNELS, _GKE),
                "releaseChannelLatestVersion": dict.fromkeys(_CHANNELS, _GKE),
            },
            f"version {_GKE} of GKE",
        )
    if name == "gcp.getImage":
        image = str(question.args.get("name") or question.args.get("family") or "image")
        link = f"projects/{project}/global/images/{image}"
        result = {"id": link, "selfLink": link, "name": image, "project": project}
        return Answer({**result, "diskSizeGb": 10}, f"an image {image}")
    if name == "gcp.getProject":
        number = "123456789012"
        return Answer(
            {"id": f"projects/{project}", "projectId": project, "name": project, "number": number},
            f"number {number} of project {project}",
        )
    return None


_GKE: Final = "1.34"
_CHANNELS: Final = ("RAPID", "REGULAR", "STABLE", "EXTENDED")


def _partition(region: Any) -> tuple[str, str, str]:
    if isinstance(region, str) and region.startswith("cn-"):
        return "aws-cn", "amazonaws.com.cn", "cn.com.amazonaws"
    if isinstance(region, str) and region.startswith("us-gov-"):
        return "aws-us-gov", "amazonaws.com", "com.amazonaws"
    return "aws", "amazonaws.com", "com.amazonaws"


def _decoded(question: Question) -> Answer | None:
    """What the Kubernetes provider does itself: the objects of a YAML text. Nothing is assumed, so
    no assumption is named."""
    from zerofloor.documents.yaml_text import yaml_documents

    text = question.args.get("text")
    if not isinstance(text, str):
        return None
    return Answer({"result": [value for _, _, value in yaml_documents(question.token, text)]}, "")


def _policy_document(args: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of an IAM policy, which the provider computes without asking AWS
    (hashicorp/terraform-provider-aws, internal/service/iam/policy_document_data_source.go)."""
    merged: list[Any] = []
    for key in ("sourcePolicyDocuments", "overridePolicyDocuments"):
        for text in args.get(key) or ():
            try:
                parsed = json.loads(text)
            except (TypeError, ValueError):
                continue
            merged += _listed(parsed.get("Statement"))
    statements = [*merged, *(_statement(given) for given in args.get("statements") or ())]
    document = {"Version": args.get("version") or "2012-10-17"}
    if args.get("policyId"):
        document["Id"] = args["policyId"]
    if statements:
        document |= {"Statement": statements}
    return {
        "json": json.dumps(document, indent=2),
        "minifiedJson": json.dumps(document, separators=(",", ":")),
        "id": "0",
        **args,
    }


def _statement(given: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {"Sid": given["sid"]} if given.get("sid") else {}
    out["Effect"] = given.get("effect") or "Allow"
    for key in ("actions", "notActions", "resources", "notResources"):
        if given.get(key):
            name = key[:-1]
            out[name[:1].upper() + name[1:]] = _one_or_many(given[key])
    for key, name in (("principals", "Principal"), ("notPrincipals", "NotPrincipal")):
        named: dict[str, list[Any]] = {}
        for principal in given.get(key) or ():
            named.setdefault(str(principal.get("type")), []).extend(
                _listed(principal.get("identifiers"))
            )
        if named:
            every = named == {"*": ["*"]}
            out[name] = "*" if every else {kind: _one_or_many(ids) for kind, ids in named.items()}
    conditions: dict[str, dict[str, Any]] = {}
    for condition in given.get("conditions") or ():
        test = conditions.setdefault(str(condition.get("test")), {})
        test[str(condition.get("variable"))] = _one_or_many(condition.get("values"))
    if conditions:
        out["Condition"] = conditions
    return out


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _one_or_many(value: Any) -> Any:
    listed = _listed(value)
    return listed[0] if len(listed) == 1 else listed
