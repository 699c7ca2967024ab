import pulumi

pulumi.log.info(pulumi.Config().require("greeting"))
pulumi.export("organization", pulumi.get_organization())
