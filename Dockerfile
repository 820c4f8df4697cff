# The app for Azure Container Apps, or for Kubernetes with KEDA; docs/go-live.md has a section on it.
# Flex Consumption, which `azd up` uses, needs no image.
#
# --build-arg PYTHON=3.12 takes another Python.
ARG PYTHON=3.13
FROM mcr.microsoft.com/azure-functions/python:4-python${PYTHON}

ENV AzureWebJobsScriptRoot=/home/site/wwwroot \
    AzureFunctionsJobHost__Logging__Console__IsEnabled=true \
    FUNCTIONS_WORKER_RUNTIME=python \
    PYTHON_ENABLE_INIT_INDEXING=1 \
    PYTHON_ENABLE_OPENTELEMETRY=true

# Packages first: they change less often than the code.
COPY requirements.txt /tmp/requirements.txt
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.txt

# .dockerignore lets through exactly what a deployment to Functions ships.
COPY . /home/site/wwwroot
