// The Functions app on the Flex Consumption plan, with every setting that it needs.

param name string
param location string
param tags object
param pythonVersion string
param httpConcurrency int
param maximumInstances int
param instanceMemory int
param alwaysReady int
param identityId string
param clientId string
param hostAccount string
param dataAccount string
param insights string
param openAiEndpoint string
param openAiAccount string
param openAiGroup string
param openAiLocation string
param containers object
param settings object
param signInClientId string
param subnetId string

// Pages that may chat from a browser, by the setting that the app reads as well.
var allowedOrigins = replace(settings.?TUNEDROP_ALLOWED_ORIGINS ?? '', ' ', '')

resource hostStorage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: hostAccount
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: dataAccount
}

resource telemetry 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  name: name
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${hostStorage.properties.primaryEndpoints.blob}package'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: pythonVersion
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstances
        instanceMemoryMB: instanceMemory
        alwaysReady: alwaysReady == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReady
          }
        ]
        triggers: {
          http: {
            // A streamed answer holds its place for as long as it lasts; Python's default is one
            // place for each instance.
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
    siteConfig: {
      minTlsVersion: '1.2' // most other site settings do not exist on this plan, and are refused
      cors: {
        // The platform answers browsers before the app does, and its answer counts.
        allowedOrigins: empty(allowedOrigins) ? [] : split(allowedOrigins, ',')
      }
    }
  }
}

// The platform's own settings: none of them is in shared/settings.py.
var platform = {
  // Without a name of its own the host takes one from the app's, and two apps on one storage
  // account could share it; the host id also keys what has been seen and when timers last ran.
  AzureFunctionsWebHost__hostid: take(name, 32)
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: clientId
  AzureWebJobsStorage__blobServiceUri: hostStorage.properties.primaryEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: hostStorage.properties.primaryEndpoints.queue
  TunedropStorage__credential: 'managedidentity'
  TunedropStorage__clientId: clientId
  TunedropStorage__queueServiceUri: dataStorage.properties.primaryEndpoints.queue
  APPLICATIONINSIGHTS_CONNECTION_STRING: telemetry.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${clientId};Authorization=AAD'
  // shared/exporters.py sends what the app has to tell, so the host need not pass its log on as
  // well. host.json has the host's half: telemetryMode.
  PYTHON_ENABLE_OPENTELEMETRY: 'true'
}

// Streaming answers need it up to 3.12; from 3.13 on the worker indexes so by itself.
var streaming = pythonVersion == '3.13' ? {} : {
  PYTHON_ENABLE_INIT_INDEXING: '1'
}

// The app's own settings that follow from what was made here.
var own = {
  TunedropStorage__blobServiceUri: dataStorage.properties.primaryEndpoints.blob
  TUNEDROP_DATASETS_CONTAINER: containers.datasets
  TUNEDROP_RUNS_CONTAINER: containers.runs
  TUNEDROP_MODELS_CONTAINER: containers.models
  TUNEDROP_FEEDBACK_CONTAINER: containers.feedback
  AZURE_OPENAI_ENDPOINT: openAiEndpoint
  AZURE_OPENAI_ACCOUNT: openAiAccount
  AZURE_OPENAI_LOCATION: openAiLocation
  AZURE_RESOURCE_GROUP: openAiGroup
  AZURE_SUBSCRIPTION_ID: subscription().subscriptionId
  AZURE_CLIENT_ID: clientId
}

// Only where the platform's sign-in is on: the app then trusts the headers that it sets.
var signIn = empty(signInClientId) ? {} : {
  TUNEDROP_ENTRA_TENANT: tenant().tenantId
}

resource appSettings 'Microsoft.Web/sites/config@2024-11-01' = {
  parent: app
  name: 'appsettings'
  properties: union(settings, platform, streaming, own, signIn)
}

// People of the tenant may sign in; callers with an app key are let through to the app, which
// checks it. The platform strips sign-in headers that callers forge.
resource authentication 'Microsoft.Web/sites/config@2024-11-01' = if (!empty(signInClientId)) {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: true
    }
    globalValidation: {
      requireAuthentication: false
      unauthenticatedClientAction: 'AllowAnonymous'
    }
    httpSettings: {
      requireHttps: true
    }
    identityProviders: {
      azureActiveDirectory: {
        enabled: true
        registration: {
          clientId: signInClientId
          openIdIssuer: '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
        }
        validation: {
          allowedAudiences: [
            signInClientId
            'api://${signInClientId}'
          ]
        }
      }
    }
    login: {
      tokenStore: {
        enabled: false
      }
    }
  }
}

// Code arrives with a role or not at all: the deployment site's password is off.
resource noPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = app.name
output url string = 'https://${app.properties.defaultHostName}'
