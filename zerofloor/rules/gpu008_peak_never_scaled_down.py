"""Scaled-out replicas are never scaled back in."""

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
        disableScaleIn: true
        customizedMetricSpecification:
          metricName: ApproximateBacklogSizePerInstance
          namespace: AWS/SageMaker
          statistic: Average
          dimensions: [{name: EndpointName, value: llm}]
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
    id="GPU008",
    name=Cause.KEPT_PEAK.value,
    title="Scaled-out replicas are never scaled back in",
    why=(
        "The scaler grows and never shrinks: scale-in is off (`scaleDown.selectPolicy: Disabled`, `paused-scale-in`). After a week "
        "without a request the peak still bills."
    ),
    fix="Allow the scaler to scale in.",
    severity=Severity.ERROR,
    since="0.1.0",
    scope="stack",
    check=holds(Cause.KEPT_PEAK),
    bad=BAD,
    good=GOOD,
    ways=(10, 33, 39, 51),
)
