"""Plain look-ups of a program: answered with stand-ins that count as unknown, computed where they
are pure, refused where a machine type may depend on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.engine.program_folder import program
from tests.hiding import floor_of
from zerofloor.engine.invokes import Question, answer
from zerofloor.engine.program import preview_in_process
from zerofloor.errors import InputError
from zerofloor.settings import parse
from zerofloor.stack import UNKNOWN


def test_an_image_and_a_network_are_stood_in_for(tmp_path: Path) -> None:
    source = """
        import pulumi_aws as aws
        ami = aws.ec2.get_ami(owners=["amazon"], most_recent=True)
        vpc = aws.ec2.get_vpc(default=True)
        subnets = aws.ec2.get_subnets(filters=[{"name": "vpc-id", "values": [vpc.id]}])
        recent = aws.ssm.get_parameter(name="/aws/service/eks/optimized-ami/1.33/image_id")
        aws.ec2.Instance(
            "box",
            ami=ami.id,
            instance_type="g5.xlarge",
            subnet_id=subnets.ids[1],
            user_data=f"echo {recent.value} {len(subnets.ids)}",
            tags={"latest": str(ami.most_recent)},
        )
    """
    folder = program(tmp_path, source, config="aws:region: us-west-2")
    stack = preview_in_process(folder, "dev")
    box = next(r for r in stack.resources if r.name == "box")
    assert box.inputs["instanceType"] == "g5.xlarge"
    assert [box.inputs[name] for name in ("ami", "subnetId", "userData")] == [UNKNOWN] * 3
    assert box.inputs["tags"] == {"latest": "True"}
    assert (floor_of(stack).verdict, str(floor_of(stack).gpus)) == ("held", "1")
    assert [note.partition(" is answered")[0] for note in stack.notes] == [
        "aws:ec2/getAmi:getAmi at __main__.py:3",
        "aws:ec2/getSubnets:getSubnets at __main__.py:5",
        "aws:ec2/getVpc:getVpc at __main__.py:4",
        "aws:ssm/getParameter:getParameter at __main__.py:6",
    ]


def test_a_machine_type_that_is_looked_up_is_unknown(tmp_path: Path) -> None:
    source = """
        import pulumi_aws as aws
        other = aws.ec2.get_instance(instance_id="i-1")
        aws.ec2.Instance("box", ami="ami-1", instance_type=other.instance_type)
    """
    stack = preview_in_process(program(tmp_path, source, config="aws:region: us-west-2"), "dev")
    assert floor_of(stack).verdict == "undecided"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            'ec2.get_launch_template(name="lt")',
            'answers: {"aws:ec2/getLaunchTemplate:getLaunchTemplate": {instanceType: REPLACE}}',
        ),
        (
            "ec2.get_instance_types()",
            'answers: {"aws:ec2/getInstanceTypes:getInstanceTypes": {instanceTypes: [REPLACE]}}',
        ),
        (
            'ssm.get_parameter(name="size")',
            'answers: {"aws:ssm/getParameter:getParameter": {value: REPLACE}}',
        ),
    ],
)
def test_what_may_name_a_machine_type_is_asked_for(tmp_path: Path, call: str, said: str) -> None:
    source = f"import pulumi_aws as aws\nfound = aws.{call}\nprint(found.id)\n"
    with pytest.raises(InputError) as refused:
        preview_in_process(program(tmp_path, source, config="aws:region: us-west-2"), "dev")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "call",
    [
        'ec2.get_launch_template(name="lt").instance_type',
        "ec2.get_instance_types().instance_types[0]",
        'ssm.get_parameter(name="size").value',
    ],
)
def test_the_answer_to_paste_works_once_its_placeholder_is_replaced(
    tmp_path: Path, call: str
) -> None:
    source = f"""
        import pulumi_aws as aws
        aws.ec2.Instance("box", ami="ami-1", instance_type=aws.{call})
    """
    folder = program(tmp_path, source, config="aws:region: us-west-2")
    with pytest.raises(InputError) as refused:
        preview_in_process(folder, "dev")
    pasted = str(refused.value).partition("To paste: ")[2]
    with pytest.raises(InputError, match="is a placeholder; write the value"):
        parse(yaml.safe_load(pasted), "zerofloor.yaml")
    settings = parse(yaml.safe_load(pasted.replace("REPLACE", "g5.xlarge")), "zerofloor.yaml")
    stack = preview_in_process(folder, "dev", answers=settings.answers)
    assert (floor_of(stack).verdict, str(floor_of(stack).gpus)) == ("held", "1")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"instanceTypes": "g5.xlarge"}, "instanceTypes must be a list"),
        ({"instanceType": ["g5.xlarge"]}, "it has no property instanceType"),
        ({"id": ["x"], "instanceTypes": ["g5.xlarge"]}, "id is not a list"),
        ({"instanceTypes": ["g5.xlarge"]}, ""),
    ],
)
@pytest.mark.parametrize(
    "function", ["aws:ec2/getInstanceTypes:getInstanceTypes", "aws:ec2:getInstanceTypes"]
)
def test_an_answer_that_cant_be_the_result_is_told(
    tmp_path: Path, function: str, answer: dict[str, Any], said: str
) -> None:
    source = """
        import pulumi_aws as aws
        found = aws.ec2.get_instance_types()
        aws.ec2.Instance("box", ami="ami-1", instance_type=found.instance_types[0])
    """
    folder = program(tmp_path, source, config="aws:region: us-west-2")
    if not said:
        stack = preview_in_process(folder, "dev", answers={function: answer})
        assert floor_of(stack).verdict == "held"
        return
    with pytest.raises(InputError, match=f"at __main__.py:3: {said}. To paste: answers: "):
        preview_in_process(folder, "dev", answers={function: answer})


def test_a_policy_document_is_computed() -> None:
    # The example of the provider's documentation and what its page says it renders.
    args = {
        "statements": [
            {
                "sid": "1",
                "actions": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"],
                "resources": ["arn:aws:s3:::*"],
            },
            {
                "actions": ["sts:AssumeRole"],
                "principals": [{"type": "Service", "identifiers": ["ec2.amazonaws.com"]}],
                "conditions": [{"test": "Bool", "variable": "aws:Secure", "values": ["true"]}],
            },
        ]
    }
    found = answer(Question("aws:iam/getPolicyDocument:getPolicyDocument", args, {}, None))
    assert found is not None
    assert not found.assumption
    assert json.loads(found.result["json"]) == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "1",
                "Effect": "Allow",
                "Action": ["s3:ListAllMyBuckets", "s3:GetBucketLocation"],
                "Resource": "arn:aws:s3:::*",
            },
            {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"Service": "ec2.amazonaws.com"},
                "Condition": {"Bool": {"aws:Secure": "true"}},
            },
        ],
    }
