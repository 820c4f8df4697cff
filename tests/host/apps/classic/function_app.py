"""An app of the classic kind: no FastAPI extension, requests and responses of azure.functions."""

import azure.functions as func

app = func.FunctionApp()


@app.route("hello/{name?}", methods=["POST"], auth_level=func.AuthLevel.FUNCTION)
def hello(req: func.HttpRequest) -> func.HttpResponse:
    name = req.route_params.get("name", "nobody")
    return func.HttpResponse(f"{name}: {req.get_json()['text']}", headers={"x-from": "classic"})
