// Optional: storage and Azure OpenAI reachable from this network only. The app's own address stays
// public, because Event Grid delivers to it and callers chat with it.

param name string
param location string
param tags object
param hostStorageId string
param dataStorageId string
param accountId string

var doors = [
  {
    name: 'host-blob'
    target: hostStorageId
    group: 'blob'
    zone: 0
  }
  {
    name: 'host-queue'
    target: hostStorageId
    group: 'queue'
    zone: 1
  }
  {
    name: 'data-blob'
    target: dataStorageId
    group: 'blob'
    zone: 0
  }
  {
    name: 'data-queue'
    target: dataStorageId
    group: 'queue'
    zone: 1
  }
  {
    name: 'openai'
    target: accountId
    group: 'account'
    zone: 2
  }
]

var zoneNames = [
  'privatelink.blob.${environment().suffixes.storage}'
  'privatelink.queue.${environment().suffixes.storage}'
  'privatelink.openai.azure.com'
]

resource guard 'Microsoft.Network/networkSecurityGroups@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {} // Azure's default rules: the network talks to itself, nobody comes in from outside
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: ['10.62.0.0/24']
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: '10.62.0.0/26'
          networkSecurityGroup: {
            id: guard.id
          }
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments' // what Flex Consumption asks for
              }
            }
          ]
        }
      }
      {
        name: 'doors'
        properties: {
          addressPrefix: '10.62.0.64/26'
          networkSecurityGroup: {
            id: guard.id
          }
        }
      }
    ]
  }

  resource appSubnet 'subnets' existing = {
    name: 'app'
  }

  resource doorSubnet 'subnets' existing = {
    name: 'doors'
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zoneNames: {
    parent: zones[index]
    name: name
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for door in doors: {
    name: '${name}-${door.name}'
    location: location
    tags: tags
    properties: {
      subnet: {
        id: network::doorSubnet.id
      }
      privateLinkServiceConnections: [
        {
          name: door.name
          properties: {
            privateLinkServiceId: door.target
            groupIds: [door.group]
          }
        }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (door, index) in doors: {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: door.name
          properties: {
            privateDnsZoneId: zones[door.zone].id
          }
        }
      ]
    }
  }
]

output appSubnetId string = network::appSubnet.id
