# Before anything is made: is there what the later steps need? Nothing is changed here but the
# registration of resource providers, which a new subscription lacks.
$ErrorActionPreference = 'Stop'

if (-not (Get-Command az -ErrorAction SilentlyContinue)) {
    [Console]::Error.WriteLine('The Azure CLI (az) is missing: install it, because the event subscription is made with it.')
    exit 1
}

az account show --subscription $env:AZURE_SUBSCRIPTION_ID --query id --output tsv | Out-Null
if ($LASTEXITCODE -ne 0) {
    [Console]::Error.WriteLine("az is not signed in to subscription ${env:AZURE_SUBSCRIPTION_ID}: run 'az login', then this again.")
    exit 1
}

$providers = 'Microsoft.Web', 'Microsoft.App', 'Microsoft.EventGrid', 'Microsoft.CognitiveServices',
    'Microsoft.Storage', 'Microsoft.Network', 'Microsoft.Insights', 'Microsoft.OperationalInsights', 'Microsoft.ManagedIdentity'
foreach ($provider in $providers) {
    az provider register --namespace $provider --subscription $env:AZURE_SUBSCRIPTION_ID | Out-Null
    if ($LASTEXITCODE -ne 0) { exit $LASTEXITCODE }
}
