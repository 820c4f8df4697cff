// The Azure OpenAI account, without keys: only Entra identities with a role get in.

param name string
param location string
param tags object
param isPrivate bool
param auditWorkspaceId string

// main.bicep looks it up. A region that cannot train the base model is refused here, with the
// sentence that says so, before anything is made and not after the first dataset has been dropped.
@allowed(['can train'])
#disable-next-line no-unused-params
param region string

resource account 'Microsoft.CognitiveServices/accounts@2025-09-01' = {
  name: name
  location: location
  tags: tags
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    customSubDomainName: name // without it there is no sign-in with Entra
    disableLocalAuth: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

// Who called what, without what they said.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: account
  properties: {
    workspaceId: auditWorkspaceId
    logs: [
      {
        category: 'Audit'
        enabled: true
      }
    ]
  }
}

output id string = account.id
