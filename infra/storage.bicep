// Two accounts. One is the Functions host's own: locks, keys, queues, the deployed package; they
// change every few seconds. The other holds what people own, with every version kept for a while,
// and is the only one that Event Grid watches.

param token string
param location string
param tags object
param sku string
param containers object
param isPrivate bool
param auditWorkspaceId string

var kept = 30 // days that an old version of a dataset or of the ledger is kept
var regretted = 14 // days in which a deletion can be undone

resource host 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'host${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: 'Standard_LRS' // nothing in it is lost for good: a deployment makes it again
  }
  properties: {
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: host
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: false // each of the host's many small writes would leave a copy
    }
  }
}

resource package 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = {
  parent: hostBlobs
  name: 'package'
}

resource data 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: 'data${token}'
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: isPrivate ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices' // Event Grid writes its dead letters as one of them
      defaultAction: isPrivate ? 'Deny' : 'Allow'
    }
  }
}

resource dataBlobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: data
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: {
      enabled: true
      days: regretted
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: regretted
    }
  }
}

resource dataContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [
  for container in [
    containers.datasets
    containers.runs
    containers.models
    containers.feedback
    'dead-letters'
  ]: {
    parent: dataBlobs
    name: container
  }
]

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: data
  name: 'default'
  dependsOn: [
    dataBlobs // versions must be on before a rule speaks of them
  ]
  properties: {
    policy: {
      rules: [
        {
          name: 'old-versions'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob', 'appendBlob']
              prefixMatch: ['${containers.datasets}/', '${containers.runs}/', '${containers.models}/']
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: kept
                }
              }
            }
          }
        }
        {
          // What the app forgets after its own time is not to live on as a version.
          name: 'forgotten-conversations'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob', 'appendBlob']
              prefixMatch: ['${containers.feedback}/']
            }
            actions: {
              version: {
                delete: {
                  daysAfterCreationGreaterThan: 1
                }
              }
            }
          }
        }
        {
          name: 'dead-letters'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob', 'appendBlob']
              prefixMatch: ['dead-letters/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: kept
                }
              }
            }
          }
        }
      ]
    }
  }
}

// Who dropped, changed or deleted what.
resource audit 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'audit'
  scope: dataBlobs
  properties: {
    workspaceId: auditWorkspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

output hostId string = host.id
output hostName string = host.name
output dataId string = data.id
output dataName string = data.name
output dataBlobUri string = data.properties.primaryEndpoints.blob
