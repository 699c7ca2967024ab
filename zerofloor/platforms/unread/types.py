"""Resource types that the net treats in a way of their own: those that hold nothing whatever they
name, those that are GPUs by nature, definitions that others use, and machines."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from zerofloor.patterns import lazy

# Providers and services whose resources describe, permit, store or notify; they run no machine.
_INERT: Final = lazy(
    r"pulumi:.*"
    r"|aws:(?:iam|s3|ssm/(?:parameter|patch|maintenanceWindow:)|cloudwatch|kms|ecr|sns|sqs|route53|acm|wafv2"
    r"|secretsmanager|budgets|servicequotas|ce|pricing|cloudtrail|cfg|config|ram|organizations|ssoadmin"
    r"|identitystore|globalaccelerator|cloudfront|apigateway|apigatewayv2|appconfig|backup|athena|glue"
    r"|dynamodb|mwaa|efs|ebs|elasticloadbalancing|elasticloadbalancingv2|lb|alb|logs|cur|resourcegroups)/.*"
    r"|aws:ec2/(?:securityGroup|subnet|vpc|ami|placementGroup|keyPair|eip|tag|route|internetGateway"
    r"|natGateway|networkAcl|networkInterface|volume|snapshot|transit|customerGateway|vpn|flowLog"
    r"|serialConsole|ebs|availabilityZone|managedPrefix|dhcp|egress|default)\w*:.*"
    r"|aws:sagemaker/(?:domain|space|userProfile|appImageConfig|featureGroup|project)\w*:.*"
    r"|aws-native:sagemaker:(?:Domain|Space|UserProfile|AppImageConfig|FeatureGroup|Project)"
    r"|nvidia-aicr:index:ClusterStack"
    r"|aws-native:(?:iam|s3|ssm|cloudwatch|kms|ecr|sns|sqs|servicequotas|budgets|globalaccelerator"
    r"|route53|logs|organizations|secretsmanager|wafv2):.*"
    r"|(?:random|tls|time|null|archive|http|external|local|std|cloudinit|vault|consul|github|gitlab|auth0|okta"
    r"|datadog|newrelic|pagerduty|grafana|sentry|opsgenie|honeycomb|cloudflare|fastly|dnsimple|ns1|akamai"
    r"|venafi|slack|onelogin|statuspage|checkly|pulumiservice|docker-build|azuread|azuredevops|postgresql|mysql"
    r"|mongodbatlas|snyk|launchdarkly|doppler|aiven|confluentcloud|synced-folder|tailscale|ngrok"
    r"|command-inert):.*"
    r"|docker:index/(?!container:|service:).*"
    r"|docker:image:.*"
    r"|gcp:(?:compute/(?:network|subnetwork|firewall|\w*[aA]ddress|disk|image|\w*[rR]oute|snapshot|ssl|url"
    r"|target|forwarding|global|health|backend|router|project)\w*:|projects|organizations|folder|serviceaccount|serviceAccount|storage"
    r"|secretmanager|logging|monitoring|dns|pubsub|kms|artifactregistry|iam|billing|bigquery|firestore"
    r"|sql|redis|essentialcontacts|orgpolicy|recaptcha|certificateauthority|bigtable|spanner|filestore"
    r"|accesscontextmanager|cloudquotas|serviceusage|composer)\b.*"
    r"|(?:azure-native|azure):(?:authorization|network|storage|keyvault|insights|monitoring|managedidentity"
    r"|policyinsights|dns|privatedns|eventgrid|eventhub|servicebus|consumption|costmanagement|operationalinsights"
    r"|portal|advisor|management|policy|lighthouse|sql|dbforpostgresql|dbformysql|postgresql|mysql|mssql|redis"
    r"|cdn|frontdoor|waf|apimanagement|logicapps?|documentdb|cosmosdb)(?:/[^:]*)?:.*"
)
_INERT_KINDS: Final = frozenset(
    {
        "ConfigMap",
        "Secret",
        "Namespace",
        "Service",
        "ServiceAccount",
        "ResourceQuota",
        "LimitRange",
        "PersistentVolume",
        "PersistentVolumeClaim",
        "PodTemplate",
        "Endpoints",
        "Event",
        "Node",
        "ReplicationControllerList",
    }
)
# Whole API groups: what describes, permits, watches, checks or connects.
_INERT_GROUPS: Final = frozenset(
    {
        "rbac.authorization.k8s.io",
        "networking.k8s.io",
        "gateway.networking.k8s.io",
        "scheduling.k8s.io",
        "admissionregistration.k8s.io",
        "storage.k8s.io",
        "snapshot.storage.k8s.io",
        "policy",
        "apiextensions.k8s.io",
        "apiregistration.k8s.io",
        "coordination.k8s.io",
        "discovery.k8s.io",
        "events.k8s.io",
        "certificates.k8s.io",
        "flowcontrol.apiserver.k8s.io",
        "authentication.k8s.io",
        "authorization.k8s.io",
        "node.k8s.io",
        "kyverno.io",
        "policies.kyverno.io",
        "cli.kyverno.io",
        "wgpolicyk8s.io",
        "templates.gatekeeper.sh",
        "constraints.gatekeeper.sh",
        "mutations.gatekeeper.sh",
        "config.gatekeeper.sh",
        "monitoring.coreos.com",
        "cert-manager.io",
        "acme.cert-manager.io",
        "external-secrets.io",
        "bitnami.com",
        "networking.istio.io",
        "security.istio.io",
        "telemetry.istio.io",
        "traefik.io",
        "traefik.containo.us",
        "cilium.io",
        "crd.projectcalico.org",
        "projectcalico.org",
        "metallb.io",
        "k8s.cni.cncf.io",
        "sriovnetwork.openshift.io",
        "grafana.integreatly.org",
        "velero.io",
        "kueue.x-k8s.io",
        "nfd.k8s-sigs.io",
        "nfd.openshift.io",
        "notification.toolkit.fluxcd.io",
        "source.toolkit.fluxcd.io",
        "image.toolkit.fluxcd.io",
        "secrets-store.csi.x-k8s.io",
        "descheduler",
        "autoscaling.k8s.io",
        "resource.k8s.io",
    }
)
_KUBERNETES: Final = lazy(r"kubernetes:(?:([^:/]+)/)?([^:/]+):([A-Za-z0-9]+)")

_BY_NATURE: Final = lazy(
    r"oci:GenerativeAi/dedicatedAiCluster:.*"
    r"|databricks:index/modelServingProvisionedThroughput:.*"
    r"|digitalocean:index/dedicatedInference:.*"
    r"|together:index/betaCluster:.*"
    r"|aws:bedrock/provisionedModelThroughput:.*"
    r"|aws-native:gameliftstreams:StreamGroup"
    r"|fireworks:[^:]*:Deployment"
    r"|scaleway:(?:inference/deployment|index/inferenceDeployment):.*"
    r"|alicloud:eais/instance:.*|alicloud:eflo/(?:node|hyperNode):.*"
    r"|oci:Core/computeGpuMemoryCluster:.*"
    r"|vastai:[^:]*:Instance"
    # OME serves models on the accelerators that its runtimes ask for (ome.io ServingRuntime).
    r"|kubernetes:ome\.io/[^:]+:InferenceService"
)
_GPU_TYPE: Final = lazy(r"(?:.*[a-z0-9_])?(?:G[Pp][Uu]|Tpu|TPU)s?(?:$|[A-Z_].*)|gpu[A-Z_].*")
_NO_GPU_TYPE: Final = lazy(
    r".*(?:Driver|Policy|Quota|Metric|Exporter|Operator|Plugin|Monitor|Alert|Dashboard|Profile|Config"
    r"|Feature|Image|Cluster|Network|Price|Template|Class|Flavou?r|Slice|Sharing|Partition)\w*"
)
_DEFINITION: Final = lazy(r".*(?:[tT]emplate|[cC]onfiguration|[dD]efinition)")
_MACHINES: Final = lazy(
    r"(?:.*?)(?:instances?|servers?|virtual_?machines?|vms?|machines?|droplets?|linodes?|node_?pools?"
    r"|node_?groups?|agent_?pools?|machine_?pools?|worker_?pools?|scale_?sets?|compute_?pools?"
    r"|instance_?pools?|instance_?groups?|kubernetes_?clusters?|sks_?nodepools?|bare_?metals?|pods?|notebook_?sessions?)",
    re.I,
)
_NO_MACHINES: Final = lazy(
    r".*(?:s3control|verifiedaccess|rds|sql|database|\bdb|cache|redis|memorydb|docdb|neptune|dax|\bmq|kafka|msk|search|redshift|filestore"
    r"|spanner|bigtable|looker|alloydb|connect|mongo|cassandra|cosmos|eventhub|servicebus|apimanagement|storage"
    r"|filesystem|dms|directory|transfer|sso|oauth|authorization|dns|mail|valkey|rabbit|lightsail|function|identity"
    r"|iam|network|vpn|gateway|firewall|balancer|profile|attachment|api[sS]erver|licen[cs]e|user[pP]ool|idp).*",
    re.I,
)


@lru_cache(maxsize=4096)
def is_inert(token: str) -> bool:
    """Whether resources of this type hold nothing themselves, whatever they name."""
    kind = _KUBERNETES.fullmatch(token)
    if kind is None:
        return _INERT.fullmatch(token) is not None
    group, name = kind[1] or "core", kind[3]
    if group == "tekton.dev" and name in ("Task", "ClusterTask", "Pipeline"):
        return True  # run by a TaskRun or PipelineRun only
    if group == "core":
        return name in _INERT_KINDS
    return group in _INERT_GROUPS


@lru_cache(maxsize=4096)
def is_gpu_by_nature(token: str) -> bool:
    """Whether whatever is of this type has GPUs, though no property may say so."""
    name = token.rsplit(":", 1)[-1]
    if _BY_NATURE.fullmatch(token):
        return True
    return bool(_GPU_TYPE.fullmatch(name)) and not _NO_GPU_TYPE.fullmatch(name)


@lru_cache(maxsize=4096)
def is_definition(token: str) -> bool:
    """Whether a type is a template that runs nothing until something else uses it."""
    name = token.rsplit(":", 1)[-1]
    if token.startswith("kubernetes:"):
        return custom_kind(token) and name.endswith("Template")
    return bool(_DEFINITION.fullmatch(name))


@lru_cache(maxsize=4096)
def is_machine(token: str) -> bool:
    """Whether a type is a machine or a group of machines, by its name."""
    if token.startswith(("kubernetes:", "pulumi:")):
        return False
    name = token.rsplit(":", 1)[-1]
    return bool(_MACHINES.fullmatch(name)) and not _NO_MACHINES.fullmatch(token)


_PLAIN_COMPONENTS: Final = lazy(
    r"awsx:(?:ec2|lb|ecr|cloudtrail|classic/(?:ec2|lb|ecr|apigateway)|apigateway):.*"
    r"|awsx:ecs:(?:Fargate\w+)|(?:aws-apigateway|synced-folder|auto-deploy|aws-static-website"
    r"|aws-s3-replicated-bucket|google-cloud-static-website|azure-static-website|cloudflare-\w+"
    r"|kubernetes-cert-manager|kubernetes-ingress-nginx|kubernetes-coredns|aws-iam|aws-vpc"
    r"|pulumi-policy|pulumiservice):.*"
)


@lru_cache(maxsize=4096)
def is_data_service(token: str) -> bool:
    """Whether a type is a database, a cache, a network or the like: its machines have no GPUs."""
    return not token.startswith("kubernetes:") and _NO_MACHINES.fullmatch(token) is not None


_LONE_MACHINE: Final = lazy(
    r"[^:]+:(?:ec2|compute|Core|ecs|instance|index)(?:/[^:]*)?:"
    r"(?:Instance|Server|VirtualMachine|LinuxVirtualMachine|WindowsVirtualMachine|Droplet|Vm)"
)


@lru_cache(maxsize=4096)
def is_lone_machine(token: str) -> bool:
    """Whether a type is one machine, which is nothing without a type of its own."""
    return _LONE_MACHINE.fullmatch(token) is not None and not is_data_service(token)


@lru_cache(maxsize=4096)
def makes_no_gpu(token: str) -> bool:
    """Whether a component of a known package makes networks, websites and the like: nothing with a
    GPU. AWS Fargate has no GPUs."""
    return _PLAIN_COMPONENTS.fullmatch(token) is not None


@lru_cache(maxsize=4096)
def renders_manifests(token: str) -> bool:
    """Whether a component renders Kubernetes manifests as its children."""
    return bool(
        re.fullmatch(
            r"kubernetes:(?:yaml(?:/v2)?:Config(?:File|Group)|kustomize(?:/v2)?:Directory)", token
        )
    )


@lru_cache(maxsize=4096)
def custom_kind(token: str) -> bool:
    """Whether a type is a Kubernetes object of a group that Kubernetes does not have itself."""
    kind = _KUBERNETES.fullmatch(token)
    group = (kind[1] or "") if kind else ""
    return "." in group and not group.endswith("k8s.io") and group != "helm.sh"


_ACTORS: Final = lazy(
    r"command:.*|aws:(?:lambda|sfn|ssm|scheduler|glue)/.*|aws:cloudwatch/eventTarget:.*"
    r"|aws:codebuild/(?:project|webhook|reportGroup):.*|aws:codepipeline/.*|aws:sagemaker/pipeline:.*"
    r"|aws-native:(?:lambda|stepfunctions|ssm|scheduler|events|codepipeline):.*"
    r"|aws-native:(?:sagemaker:Pipeline|codebuild:Project)|azure(?:-native)?:automation.*"
    r"|azure-native:resources:(?:DeploymentScript|AzureCliScript|AzurePowerShellScript).*"
    r"|gcp:(?:workflows|cloudscheduler|cloudfunctions|cloudfunctionsv2)/.*|gcp:cloudbuild/.*"
)


@lru_cache(maxsize=4096)
def is_actor(token: str) -> bool:
    """Whether a type acts when it is called: what runs then ends by itself, unless it starts
    machines that stand in no resource."""
    return _ACTORS.fullmatch(token) is not None
