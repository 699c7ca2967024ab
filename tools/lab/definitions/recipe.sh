# Takes some seconds
definitions=$(module_dir github.com/aws/karpenter-provider-aws)/pkg/apis/crds
install -D -m 644 -t "$OUT/crds/karpenter-aws" "$definitions/karpenter.k8s.aws_ec2nodeclasses.yaml"
definitions=$(module_dir sigs.k8s.io/lws)/config/crd/bases
install -D -m 644 -t "$OUT/crds/lws" "$definitions"/*.yaml
