// Everything that `azd up` creates, in one resource group of its own.
//
// What is not here: the Event Grid subscription. It can only be made once the code runs, because the
// endpoint must answer a handshake; see subscription.bicep.

targetScope = 'subscription'

@minLength(1)
@maxLength(40)
@description('Name of the azd environment; it names the resource group.')
param environmentName string

@minLength(1)
@description('Region of everything but the Azure OpenAI account.')
@metadata({ azd: { type: 'location' } })
param location string

@description('Region of the Azure OpenAI account. Empty: the app\'s own if the base model can be trained there, otherwise the first in which it can.')
param openAiLocation string = ''

@description('Name of an Azure OpenAI account that is there already, to use instead of a new one.')
param existingAccount string = ''

@description('Resource group of that account.')
param existingAccountGroup string = ''

@description('Who runs azd: filled in by it.')
param deployerId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
param deployerType string = 'User'

@description('Principal id of the person, group or service that may drop datasets. Empty: whoever runs azd.')
param dropperId string = ''

@allowed(['User', 'Group', 'ServicePrincipal'])
param dropperType string = 'User'

@description('Principal ids, separated by commas, that may call Azure OpenAI past the app.')
param directCallerIds string = ''

@allowed(['3.11', '3.12', '3.13'])
param pythonVersion string = '3.13'

@description('Chats that one instance of the app holds open at a time.')
param httpConcurrency string = '100'

@description('Most instances that the app may grow to: an upper limit of its cost.')
param maximumInstances string = '40'

@allowed(['512', '2048', '4096'])
param instanceMemory string = '2048'

@description('Instances kept warm for chat; each is paid for all day. 0: the first chat after a quiet time waits for a cold start.')
param alwaysReady string = '0'

@description('Redundancy of the storage account that holds datasets and the ledger.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_LRS'

@allowed(['true', 'false'])
@description('Private endpoints for storage and Azure OpenAI, whose public addresses are then closed.')
param privateNetwork string = 'false'

@description('Client id of an app registration; with it, people of this tenant may chat with their own sign-in.')
param signInClientId string = ''

@description('Where alerts are sent. Empty: they are only seen in the portal.')
param alertEmail string = ''

@description('USD that may be spent on training in a day before an alert is sent.')
param dailyCostAlert string = '50'

@description('Monthly budget of the resource group, in the currency of the bill; 0: none. It warns, it stops nothing.')
param monthlyBudget string = '0'

@allowed(['builtin', 'custom'])
@description('How the app may read quota: the built-in role, or one made here that can read nothing else.')
param quotaRole string = 'builtin'

@description('Names of the containers that people and the app use.')
param containers object = {
  datasets: 'datasets'
  runs: 'runs'
  models: 'models'
  feedback: 'feedback'
}

@description('Other app settings, as docs/settings.md has them; those left empty keep their defaults.')
param settings object = {}

var roles = loadJsonContent('roles.json').given
var regions = any(loadJsonContent('regions.json').training) // looked into by names that are only known later
var token = toLower(uniqueString(subscription().id, environmentName, location))
var name = 'tunedrop-${token}'
var here = subscription().id
var group = 'rg-${environmentName}'
var tags = { 'azd-env-name': environmentName }
var isPrivate = privateNetwork == 'true'
var isNewAccount = empty(existingAccount)
var accountName = isNewAccount ? name : existingAccount
var accountGroup = isNewAccount ? group : existingAccountGroup

// The app's own defaults; shared/settings.py has the same ones.
var askedModel = settings.?TUNEDROP_BASE_MODEL ?? ''
var askedType = settings.?TUNEDROP_TRAINING_TYPE ?? ''
var baseModel = empty(askedModel) ? 'gpt-4.1-nano-2025-04-14' : askedModel
var trainingType = empty(askedType) ? 'globalStandard' : askedType
var tier = toLower(trainingType) == 'standard' ? regions.standard : regions.globalStandard
var trainable = tier[?baseModel] ?? tier.regions
var chosen = contains(trainable, location) ? location : trainable[0]
var accountLocation = empty(openAiLocation) ? chosen : openAiLocation

resource rg 'Microsoft.Resources/resourceGroups@2024-03-01' = {
  name: group
  location: location
  tags: tags
}

module identity 'identity.bicep' = {
  name: 'identity'
  scope: rg
  params: {
    name: name
    location: location
    tags: tags
  }
}

module monitor 'monitor.bicep' = {
  name: 'monitor'
  scope: rg
  params: {
    name: name
    location: location
    tags: tags
    alertEmail: alertEmail
  }
}

module storage 'storage.bicep' = {
  name: 'storage'
  scope: rg
  params: {
    token: token
    location: location
    tags: tags
    sku: storageSku
    containers: containers
    isPrivate: isPrivate
    auditWorkspaceId: monitor.outputs.auditWorkspaceId
  }
}

module openAi 'openai.bicep' = if (isNewAccount) {
  name: 'openai'
  scope: rg
  params: {
    name: name
    location: accountLocation
    tags: tags
    isPrivate: isPrivate
    auditWorkspaceId: monitor.outputs.auditWorkspaceId
    region: any(contains(trainable, accountLocation) ? 'can train' : '${baseModel} cannot be trained in ${accountLocation} with ${trainingType}; these regions can: ${join(trainable, ', ')}')
  }
}

module topic 'events.bicep' = {
  name: 'events'
  scope: rg
  params: {
    name: name
    location: location
    tags: tags
    storageAccount: storage.outputs.dataName
  }
}

module access 'roles.bicep' = {
  name: 'roles'
  scope: rg
  params: {
    appId: identity.outputs.principalId
    topicId: topic.outputs.principalId
    hostAccount: storage.outputs.hostName
    dataAccount: storage.outputs.dataName
    insights: monitor.outputs.insightsName
    containers: containers
    dropperId: empty(dropperId) ? deployerId : dropperId
    dropperType: empty(dropperId) ? deployerType : dropperType
  }
}

module accountAccess 'roles-account.bicep' = {
  name: 'roles-${environmentName}'
  scope: resourceGroup(accountGroup)
  params: {
    account: accountName
    appId: identity.outputs.principalId
    directCallerIds: directCallerIds
  }
  dependsOn: [
    openAi
    rg
  ]
}

// Quota is a matter of the subscription, so this one role is given there.
resource quota 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(here, name, roles.quota.id)
  properties: {
    principalId: identity.outputs.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: quotaRole == 'custom' ? quotaReader.id : subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.quota.id)
    description: roles.quota.reason
  }
}

resource quotaReader 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (quotaRole == 'custom') {
  name: guid(here, 'tunedrop quota reader')
  properties: {
    roleName: 'Tunedrop quota reader'
    description: 'Reads which models a region offers and how much of its quota is used.'
    type: 'CustomRole'
    assignableScopes: [here]
    permissions: [
      {
        actions: [
          'Microsoft.CognitiveServices/locations/usages/read'
          'Microsoft.CognitiveServices/locations/models/read'
        ]
      }
    ]
  }
}

module network 'network.bicep' = if (isPrivate) {
  name: 'network'
  scope: rg
  params: {
    name: name
    location: location
    tags: tags
    hostStorageId: storage.outputs.hostId
    dataStorageId: storage.outputs.dataId
    accountId: resourceId(subscription().subscriptionId, accountGroup, 'Microsoft.CognitiveServices/accounts', accountName)
  }
  dependsOn: [
    openAi
  ]
}

module app 'app.bicep' = {
  name: 'app'
  scope: rg
  params: {
    name: name
    location: location
    tags: tags
    pythonVersion: pythonVersion
    httpConcurrency: int(httpConcurrency)
    maximumInstances: int(maximumInstances)
    instanceMemory: int(instanceMemory)
    alwaysReady: int(alwaysReady)
    identityId: identity.outputs.id
    clientId: identity.outputs.clientId
    hostAccount: storage.outputs.hostName
    dataAccount: storage.outputs.dataName
    insights: monitor.outputs.insightsName
    openAiEndpoint: 'https://${accountName}.openai.azure.com'
    openAiAccount: accountName
    openAiGroup: accountGroup
    openAiLocation: isNewAccount ? accountLocation : openAiLocation
    containers: containers
    settings: settings
    signInClientId: signInClientId
    subnetId: isPrivate ? network!.outputs.appSubnetId : ''
  }
  dependsOn: [
    access
    accountAccess
  ]
}

module alerts 'alerts.bicep' = {
  name: 'alerts'
  scope: rg
  params: {
    name: name
    location: location
    tags: tags
    workspaceId: monitor.outputs.workspaceId
    actionGroupId: monitor.outputs.actionGroupId
    topicId: topic.outputs.id
    dailyCostAlert: int(dailyCostAlert)
    monthlyBudget: int(monthlyBudget)
    alertEmail: alertEmail
  }
}

// What the hooks, the doctor and people need to know; azd keeps them in the environment. What is an
// app setting too has its name, but for the resource group: azd looks for the app in this one.
output AZURE_LOCATION string = location
output AZURE_TENANT_ID string = tenant().tenantId
output AZURE_RESOURCE_GROUP string = group
output TUNEDROP_SITE string = app.outputs.name
output TUNEDROP_APP string = app.outputs.url
output TUNEDROP_STORAGE string = storage.outputs.dataName
output TunedropStorage__blobServiceUri string = storage.outputs.dataBlobUri
output TUNEDROP_DATASETS string = containers.datasets
output TUNEDROP_TOPIC string = topic.outputs.name
output TUNEDROP_IDENTITY string = identity.outputs.principalId
output AZURE_OPENAI_ACCOUNT string = accountName
output AZURE_OPENAI_GROUP string = accountGroup
output AZURE_OPENAI_LOCATION string = isNewAccount ? accountLocation : ''
output AZURE_OPENAI_ENDPOINT string = 'https://${accountName}.openai.azure.com'
