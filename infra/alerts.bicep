// What people are told of. The rules are in alerts.json, and each has its paragraph in
// docs/runbook.md; the names of the metrics are those that the app emits.

param name string
param location string
param tags object
param workspaceId string
param actionGroupId string
param topicId string
param dailyCostAlert int
param monthlyBudget int
param alertEmail string

@description('Left alone, the first day of this month: Azure takes no earlier one.')
param budgetStart string = '${utcNow('yyyy-MM')}-01T00:00:00Z'

var rules = loadJsonContent('alerts.json')
var tell = empty(actionGroupId) ? [] : [actionGroupId]

resource ruleResources 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for rule in rules: {
    name: '${name}-${rule.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Tunedrop: ${rule.title}'
      description: 'See docs/runbook.md, ${rule.name}.'
      severity: rule.severity
      enabled: true
      scopes: [workspaceId]
      windowSize: rule.window
      evaluationFrequency: rule.frequency
      autoMitigate: true
      skipQueryValidation: true // the table of metrics only exists once the app has run
      criteria: {
        allOf: [
          {
            query: rule.query
            metricMeasureColumn: 'Value'
            timeAggregation: 'Total'
            operator: rule.operator
            threshold: rule.name == 'cost' ? dailyCostAlert : rule.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: tell
      }
    }
  }
]

// The one alert that does not depend on the app being alive enough to count.
resource undelivered 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: '${name}-undelivered'
  location: 'global'
  tags: tags
  properties: {
    description: 'Tunedrop: an event of a dropped dataset could not be delivered. See docs/runbook.md, undelivered.'
    severity: 1
    enabled: true
    scopes: [topicId]
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'dead letters'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'DeadLetteredCount'
          timeAggregation: 'Total'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: [
      for group in tell: {
        actionGroupId: group
      }
    ]
  }
}

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = if (monthlyBudget > 0 && !empty(alertEmail)) {
  name: name
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: budgetStart
    }
    notifications: {
      nearly: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: [alertEmail]
      }
      forecast: {
        enabled: true
        operator: 'GreaterThanOrEqualTo'
        threshold: 100
        thresholdType: 'Forecasted'
        contactEmails: [alertEmail]
      }
    }
  }
}
