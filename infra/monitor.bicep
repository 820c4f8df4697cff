// Where telemetry goes and who is told. Both take Entra identities only.

param name string
param location string
param tags object
param alertEmail string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
    features: {
      disableLocalAuth: true
    }
    workspaceCapping: {
      dailyQuotaGb: 2 // a runaway log is cut off, not paid for; the alert `logs-capped` says so
    }
  }
}

// Who dropped, changed, deleted and called what: apart from what the app says of itself, whose flood
// would reach the cap and stop these as well. No cap here: an entry costs less than the write that it
// tells of.
resource audit 'Microsoft.OperationalInsights/workspaces@2025-07-01' = {
  name: '${name}-audit'
  location: location
  tags: tags
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 90
    features: {
      disableLocalAuth: true
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: name
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = if (!empty(alertEmail)) {
  name: name
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'tunedrop'
    enabled: true
    emailReceivers: [
      {
        name: 'people'
        emailAddress: alertEmail
        useCommonAlertSchema: true
      }
    ]
  }
}

output workspaceId string = workspace.id
output auditWorkspaceId string = audit.id
output insightsName string = insights.name
output actionGroupId string = empty(alertEmail) ? '' : people.id
