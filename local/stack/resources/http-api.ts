/** The HTTP API; what a property means is the business of local/services/apigateway. */
import type { ResourceType } from '../resource.ts';

export const api: ResourceType = {
  properties: ['Name', 'Description', 'ProtocolType', 'DisableExecuteApiEndpoint'],
  async make(properties, making) {
    const { apiId, apiEndpoint } = making.region.parts.httpApis.createApi({
      name: properties.text('Name'),
      protocolType: properties.text('ProtocolType'),
      disabled: properties.any('DisableExecuteApiEndpoint') === true,
    });
    return { ref: apiId, attributes: { ApiId: apiId, ApiEndpoint: apiEndpoint } };
  },
};

export const stage: ResourceType = {
  properties: ['ApiId', 'StageName', 'AutoDeploy', 'DefaultRouteSettings', 'Description'],
  async make(properties, making) {
    const settings = properties.any('DefaultRouteSettings') ?? {};
    const stageName = properties.text('StageName');
    making.region.parts.httpApis.createStage(properties.text('ApiId'), {
      stageName,
      autoDeploy: properties.any('AutoDeploy') === true,
      burst: settings.ThrottlingBurstLimit,
      perSecond: settings.ThrottlingRateLimit,
    });
    return { ref: stageName, attributes: {} };
  },
};

export const integration: ResourceType = {
  properties: [
    'ApiId',
    'IntegrationType',
    'IntegrationUri',
    'IntegrationMethod',
    'PayloadFormatVersion',
    'TimeoutInMillis',
  ],
  async make(properties, making) {
    const integrationId = making.region.parts.httpApis.createIntegration(properties.text('ApiId'), {
      integrationType: properties.text('IntegrationType'),
      integrationUri: properties.text('IntegrationUri'),
      payloadFormatVersion: properties.text('PayloadFormatVersion'),
      timeoutMs: properties.any('TimeoutInMillis') ?? 30_000,
    });
    return { ref: integrationId, attributes: {} };
  },
};

export const route: ResourceType = {
  properties: ['ApiId', 'RouteKey', 'Target', 'AuthorizationType'],
  async make(properties, making) {
    const routeId = making.region.parts.httpApis.createRoute(properties.text('ApiId'), {
      routeKey: properties.text('RouteKey'),
      target: properties.text('Target'),
      authorizationType: properties.optionalText('AuthorizationType') ?? 'NONE',
    });
    return { ref: routeId, attributes: { RouteId: routeId } };
  },
};
