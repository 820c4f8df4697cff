# After the code is live: subscribe the app to dropped datasets (infra/subscription.bicep).
#
# The host makes its key blobs_extension when it first runs the code, and only then does it answer
# Event Grid's handshake; both can take minutes after a first deployment, so each is tried for a while.
$ErrorActionPreference = 'Stop'

function Wait-For([string] $what, [int] $attempts, [scriptblock] $try) {
    Write-Host $what
    for ($attempt = 1; $attempt -le $attempts; $attempt++) {
        $said = & $try
        if ($LASTEXITCODE -eq 0 -and $said) { return }
        if ($attempt -lt $attempts) { Start-Sleep -Seconds 10 }
    }
    [Console]::Error.WriteLine("Given up after $attempts attempts; what az said is above.")
    exit 1
}

# Only whether there is a key: the template reads it itself, and it is shown nowhere.
Wait-For "Waiting for the app's host to make its event key" 30 {
    az functionapp keys list `
        --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:AZURE_RESOURCE_GROUP `
        --name $env:TUNEDROP_SITE `
        --query systemKeys.blobs_extension `
        --output tsv
}

Wait-For 'Subscribing the app to dropped datasets' 5 {
    az deployment group create `
        --subscription $env:AZURE_SUBSCRIPTION_ID `
        --resource-group $env:AZURE_RESOURCE_GROUP `
        --name drops `
        --template-file "$PSScriptRoot/../subscription.bicep" `
        --parameters `
        "app=$env:TUNEDROP_SITE" `
        "topic=$env:TUNEDROP_TOPIC" `
        "storageAccount=$env:TUNEDROP_STORAGE" `
        "datasets=$env:TUNEDROP_DATASETS" `
        --query properties.provisioningState `
        --output tsv
}

Write-Host "Ready: drop a dataset into $env:TUNEDROP_STORAGE, container $env:TUNEDROP_DATASETS; chat at $env:TUNEDROP_APP/api/v1"
