"""An AWS CloudFormation template, JSON or YAML: the stack that deploys it."""

from __future__ import annotations

import re
from typing import Final

from zerofloor.documents.manifests import file_in_urn
from zerofloor.documents.refusal import refusal, undecodable
from zerofloor.stack import Resource, Stack

TOKEN: Final = "aws:cloudformation/stack:Stack"

_VERSION: Final = re.compile(rb"(?m)^[\"']?AWSTemplateFormatVersion[\"']?\s*:")
_RESOURCES: Final = re.compile(rb"(?m)^[\"']?Resources[\"']?\s*:")
_TYPE: Final = re.compile(rb"\bType[\"']?\s*:\s*[\"']?AWS::")


def is_template(data: bytes) -> bool:
    """Whether text that is no JSON is a template; its version may be left out."""
    return bool(_VERSION.search(data) or (_RESOURCES.search(data) and _TYPE.search(data)))


def read_template(name: str, data: bytes, baseline: Stack | None = None) -> Stack:
    """A stack with the template, whose parameters have their defaults; the reader of stacks reads
    what is inside.

    Raises InputError where it is no template, and for a baseline, which a template does not need.
    """
    if baseline is not None:
        raise refusal(name, "a template is whole: it takes no --baseline")
    if b"Resources" not in data:
        raise refusal(name, "no CloudFormation template: it has no Resources")
    try:
        body = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise undecodable(name, data, error) from None
    file = file_in_urn(name)
    stack = Resource(
        urn=f"urn:pulumi:cloudformation::{file}::{TOKEN}::template",
        type=TOKEN,
        name="template",
        inputs={"templateBody": body},
    )
    return Stack(
        kind="cloudformation",
        resources=(stack,),
        document=name,
        notes=("Parameters of the template have their defaults",),
    )
