from pulumi import Output
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class Provider(ResourceProvider):
    def create(self, props: dict[str, object]) -> CreateResult:
        raise RuntimeError("a preview creates nothing")


class Ticket(Resource):
    pass


Ticket(Provider(), "ticket", {"title": "need a GPU", "gpus": 8, "token": Output.secret("planted-secret"), "number": None})
