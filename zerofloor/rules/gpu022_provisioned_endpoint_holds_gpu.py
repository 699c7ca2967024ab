"""A managed endpoint keeps its instances."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import holds
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:sagemaker/endpointConfiguration:EndpointConfiguration
    name: llm
    inputs:
      name: llm
      productionVariants: [{variantName: main, modelName: llm, instanceType: ml.g5.xlarge, initialInstanceCount: 1}]
  - type: aws:sagemaker/endpoint:Endpoint
    name: llm
    inputs: {name: llm, endpointConfigName: llm}
"""

GOOD = """\
resources:
  - type: aws:sagemaker/endpointConfiguration:EndpointConfiguration
    name: llm
    inputs:
      name: llm
      productionVariants: [{variantName: main, modelName: llm, instanceType: ml.m5.large, initialInstanceCount: 1}]
  - type: aws:sagemaker/endpoint:Endpoint
    name: llm
    inputs: {name: llm, endpointConfigName: llm}
"""

RULE = Rule(
    id="GPU022",
    name=Cause.ENDPOINT.value,
    title="Managed endpoint keeps its instances",
    why=(
        "An endpoint bills for every instance once it is in service. Without autoscaling, or with a minimum above zero, it never "
        "scales to zero; scaling to zero also needs a policy that scales out from zero."
    ),
    fix=(
        "Use an asynchronous or serverless endpoint or managed instance scaling with a minimum "
        "of 0."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.ENDPOINT),
    bad=BAD,
    good=GOOD,
    ways=(36, 37, 40, 52, 53),
)
