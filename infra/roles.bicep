// The roles in the app's own resource group. Which, for whom and why is in roles.json; each
// assignment carries its reason, so that the portal shows it too.

param appId string
param topicId string
param hostAccount string
param dataAccount string
param insights string
param containers object
param dropperId string
param dropperType string

var roles = loadJsonContent('roles.json').given

resource hostStorage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: hostAccount
}

resource dataStorage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: dataAccount
}

resource dataBlobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' existing = {
  parent: dataStorage
  name: 'default'
}

resource datasets 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: dataBlobs
  name: containers.datasets
}

resource runs 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: dataBlobs
  name: containers.runs
}

resource models 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: dataBlobs
  name: containers.models
}

resource feedback 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: dataBlobs
  name: containers.feedback
}

resource deadLetters 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' existing = {
  parent: dataBlobs
  name: 'dead-letters'
}

resource telemetry 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insights
}

resource hostBlobsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appId, roles['host-blobs'].id)
  scope: hostStorage
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['host-blobs'].id)
    description: roles['host-blobs'].reason
  }
}

resource hostQueuesRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appId, roles['host-queues'].id)
  scope: hostStorage
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['host-queues'].id)
    description: roles['host-queues'].reason
  }
}

resource datasetsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(datasets.id, appId, roles.datasets.id)
  scope: datasets
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.datasets.id)
    description: roles.datasets.reason
  }
}

resource runsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(runs.id, appId, roles.runs.id)
  scope: runs
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.runs.id)
    description: roles.runs.reason
  }
}

resource modelsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(models.id, appId, roles.models.id)
  scope: models
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.models.id)
    description: roles.models.reason
  }
}

resource feedbackRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(feedback.id, appId, roles.feedback.id)
  scope: feedback
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.feedback.id)
    description: roles.feedback.reason
  }
}

resource poisonRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(dataStorage.id, appId, roles.poison.id)
  scope: dataStorage
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.poison.id)
    description: roles.poison.reason
  }
}

resource telemetryRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(telemetry.id, appId, roles.telemetry.id)
  scope: telemetry
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.telemetry.id)
    description: roles.telemetry.reason
  }
}

resource deadLettersRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(deadLetters.id, topicId, roles['dead-letters'].id)
  scope: deadLetters
  properties: {
    principalId: topicId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['dead-letters'].id)
    description: roles['dead-letters'].reason
  }
}

resource dropRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (!empty(dropperId)) {
  name: guid(datasets.id, dropperId, roles.drop.id)
  scope: datasets
  properties: {
    principalId: dropperId
    principalType: dropperType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.drop.id)
    description: roles.drop.reason
  }
}
