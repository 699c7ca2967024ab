"""Scaling in needs a signal that stops at zero traffic."""

from zerofloor.capacity import Cause
from zerofloor.report import Severity
from zerofloor.rules.held import notices
from zerofloor.rules.rule import Rule

BAD = """\
resources:
  - type: aws:sagemaker/endpointConfiguration:EndpointConfiguration
    name: llm
    inputs:
      name: llm
      asyncInferenceConfig: {outputConfig: {s3OutputPath: "s3://out/"}}
      productionVariants: [{variantName: main, modelName: llm, instanceType: ml.g5.xlarge, initialInstanceCount: 1}]
  - type: aws:sagemaker/endpoint:Endpoint
    name: llm
    inputs: {name: llm, endpointConfigName: llm}
  - type: aws:appautoscaling/target:Target
    name: llm
    inputs:
      serviceNamespace: sagemaker
      resourceId: endpoint/llm/variant/main
      scalableDimension: "sagemaker:variant:DesiredInstanceCount"
      minCapacity: 0
      maxCapacity: 2
  - type: aws:appautoscaling/policy:Policy
    name: llm
    inputs:
      serviceNamespace: sagemaker
      resourceId: endpoint/llm/variant/main
      scalableDimension: "sagemaker:variant:DesiredInstanceCount"
      policyType: TargetTrackingScaling
      targetTrackingScalingPolicyConfiguration:
        targetValue: 5
        customizedMetricSpecification:
          metricName: ApproximateBacklogSizePerInstance
          namespace: AWS/SageMaker
          statistic: Average
"""

GOOD = """\
resources:
  - type: aws:sagemaker/endpointConfiguration:EndpointConfiguration
    name: llm
    inputs:
      name: llm
      asyncInferenceConfig: {outputConfig: {s3OutputPath: "s3://out/"}}
      productionVariants: [{variantName: main, modelName: llm, instanceType: ml.g5.xlarge, initialInstanceCount: 1}]
  - type: aws:sagemaker/endpoint:Endpoint
    name: llm
    inputs: {name: llm, endpointConfigName: llm}
  - type: aws:appautoscaling/target:Target
    name: llm
    inputs:
      serviceNamespace: sagemaker
      resourceId: endpoint/llm/variant/main
      scalableDimension: "sagemaker:variant:DesiredInstanceCount"
      minCapacity: 0
      maxCapacity: 2
  - type: aws:appautoscaling/policy:Policy
    name: llm
    inputs:
      serviceNamespace: sagemaker
      resourceId: endpoint/llm/variant/main
      scalableDimension: "sagemaker:variant:DesiredInstanceCount"
      policyType: TargetTrackingScaling
      targetTrackingScalingPolicyConfiguration:
        targetValue: 5
        customizedMetricSpecification:
          metricName: ApproximateBacklogSizePerInstance
          namespace: AWS/SageMaker
          statistic: Average
          dimensions: [{name: EndpointName, value: llm}]
"""

RULE = Rule(
    id="GPU108",
    name=Cause.NO_SCALE_IN_SIGNAL.value,
    title="Scale-in metric has no data at zero traffic",
    why=(
        "The scale-in policy reads a metric that has no data points without requests; capacity then stays, or stays "
        "for a long time."
    ),
    fix=(
        "Add a policy on a metric that is reported at zero traffic too, or treat missing data "
        "as a breach."
    ),
    severity=Severity.WARNING,
    since="0.1.0",
    scope="stack",
    check=notices(Cause.NO_SCALE_IN_SIGNAL),
    bad=BAD,
    good=GOOD,
    ways=(36, 46),
)
