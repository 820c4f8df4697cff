// The roles on the Azure OpenAI account, which may be one that others own, in their resource group.

param account string
param appId string
param directCallerIds string

var roles = loadJsonContent('roles.json').given

resource openAi 'Microsoft.CognitiveServices/accounts@2025-09-01' existing = {
  name: account
}

resource appRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(openAi.id, appId, roles.openai.id)
  scope: openAi
  properties: {
    principalId: appId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.openai.id)
    description: roles.openai.reason
  }
}

resource callerRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for caller in filter(split(directCallerIds, ','), id => !empty(id)): {
    name: guid(openAi.id, caller, roles['chat-direct'].id)
    scope: openAi
    properties: {
      principalId: trim(caller)
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles['chat-direct'].id)
      description: roles['chat-direct'].reason
    }
  }
]
