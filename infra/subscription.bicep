// A dropped dataset reaches the app: deployed by the postdeploy hook, because Event Grid asks the
// endpoint for a handshake and the endpoint's key is made when the host first runs the code.

param app string
param topic string
param storageAccount string
param datasets string

@description('Name of the blob function in function_app.py.')
param functionName string = 'dataset_uploaded'

resource site 'Microsoft.Web/sites@2024-11-01' existing = {
  name: app
}

resource source 'Microsoft.EventGrid/systemTopics@2025-02-15' existing = {
  name: topic
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: storageAccount
}

// Not https://NAME.azurewebsites.net: the host name of a new app has a hash and a region in it.
var address = 'https://${site.properties.defaultHostName}/runtime/webhooks/blobs'
var key = listKeys('${site.id}/host/default', '2024-11-01').systemKeys.blobs_extension

resource drops 'Microsoft.EventGrid/systemTopics/eventSubscriptions@2025-02-15' = {
  parent: source
  name: 'drops'
  properties: {
    eventDeliverySchema: 'EventGridSchema' // the handshake of CloudEvents is not answered by the host
    destination: {
      endpointType: 'WebHook'
      properties: {
        endpointUrl: '${address}?functionName=Host.Functions.${functionName}&code=${key}'
        maxEventsPerBatch: 1
        minimumTlsVersionAllowed: '1.2'
      }
    }
    filter: {
      includedEventTypes: ['Microsoft.Storage.BlobCreated']
      // The host does not apply the function's own path to what Event Grid delivers.
      subjectBeginsWith: '/blobServices/default/containers/${datasets}/blobs/'
      // One event for each finished blob: some clients' uploads have steps that raise events too.
      advancedFilters: [
        {
          operatorType: 'StringIn'
          key: 'data.api'
          values: ['PutBlob', 'PutBlockList', 'CopyBlob', 'FlushWithClose', 'SftpCommit']
        }
      ]
    }
    retryPolicy: {
      maxDeliveryAttempts: 30
      eventTimeToLiveInMinutes: 1440
    }
    deadLetterWithResourceIdentity: {
      identity: {
        type: 'SystemAssigned'
      }
      deadLetterDestination: {
        endpointType: 'StorageBlob'
        properties: {
          resourceId: storage.id
          blobContainerName: 'dead-letters'
        }
      }
    }
  }
}
