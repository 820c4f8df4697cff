// The source of events: what happens in the storage account of the datasets. Who hears of it is in
// subscription.bicep, which is deployed once the code is live.

param name string
param location string
param tags object
param storageAccount string

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccount
}

resource topic 'Microsoft.EventGrid/systemTopics@2025-02-15' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'SystemAssigned' // it writes dead letters with it, as storage takes no keys
  }
  properties: {
    source: storage.id
    topicType: 'Microsoft.Storage.StorageAccounts'
  }
}

output id string = topic.id
output name string = topic.name
output principalId string = topic.identity.principalId
