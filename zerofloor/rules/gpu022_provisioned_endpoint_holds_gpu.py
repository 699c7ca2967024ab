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
      executionRoleArn: "arn:aws:iam::123456789012:role/endpoint"
      productionVariants:
        - variantName: main
          instanceType: ml.g5.xlarge
          initialInstanceCount: 1
          managedInstanceScaling: {status: ENABLED, minInstanceCount: 0, maxInstanceCount: 2}
  - type: aws:sagemaker/endpoint:Endpoint
    name: llm
    inputs: {name: llm, endpointConfigName: llm}
  - type: aws-native:sagemaker:InferenceComponent
    name: llm
    inputs:
      endpointName: llm
      variantName: main
      specification: {modelName: llm, computeResourceRequirements: {numberOfAcceleratorDevicesRequired: 1}}
      runtimeConfig: {copyCount: 0}
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
        "Scale its instances with a minimum of 0 (SageMaker: managed instance scaling with inference "
        "components, or an asynchronous endpoint), or delete it when idle."
    ),
    severity=Severity.ERROR,
    since="0.1.0",
    scope="resource",
    check=holds(Cause.ENDPOINT),
    bad=BAD,
    good=GOOD,
    ways=(36, 37, 40, 52, 53),
)
