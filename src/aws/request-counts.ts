/** Requests that a load balancer gave to target groups, as CloudWatch counts them. */
import { type CloudWatchClient, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
import type { SlotColour } from '../contracts/ids.ts';
import { type Counts, countedSeconds, type MinuteCount, type Minutes } from '../fleet/arrival.ts';
import { briefCloudWatchClient } from './clients/cloudwatch.ts';
import type { SlotArns } from './load-balancer.ts';

export interface RequestCounts {
  /**
   * What came to each slot, minute by minute, by whatever listener. Health checks are not among it.
   * @throws Error where CloudWatch does not say all of it.
   */
  of(ruleArn: string, slots: SlotArns, minutes: Minutes): Promise<Counts>;
}

/** `app/name/id` of `…:listener-rule/app/name/id/listener/rule`, as the load balancer's metrics name it. */
function balancerOf(ruleArn: string): string {
  return ruleArn.split('/').slice(1, 4).join('/');
}

export function openRequestCounts(client: CloudWatchClient = briefCloudWatchClient()): RequestCounts {
  return {
    async of(ruleArn, slots, { countedFrom, to }) {
      const query = (slot: SlotColour) => ({
        Id: slot,
        MetricStat: {
          Metric: {
            Namespace: 'AWS/ApplicationELB',
            MetricName: 'RequestCount',
            Dimensions: [
              { Name: 'TargetGroup', Value: slots[slot].split(':').at(-1) },
              { Name: 'LoadBalancer', Value: balancerOf(ruleArn) },
            ],
          },
          Period: countedSeconds,
          Stat: 'Sum',
        },
      });
      // At most an hour's minutes for each: there is no second page.
      const { MetricDataResults: results = [] } = await client.send(
        new GetMetricDataCommand({
          MetricDataQueries: [query('blue'), query('green')],
          StartTime: new Date(countedFrom),
          EndTime: new Date(to),
        }),
      );
      const minutesOf = (slot: SlotColour): MinuteCount[] => {
        const {
          StatusCode = 'nothing',
          Timestamps = [],
          Values = [],
        } = results.find(({ Id }) => Id === slot) ?? {};
        if (StatusCode !== 'Complete') throw new Error(`CloudWatch told ${StatusCode} of ${slot}`);
        return Timestamps.map((at, index) => ({ at: at.getTime(), requests: Values[index] ?? 0 }));
      };
      return { blue: minutesOf('blue'), green: minutesOf('green') };
    },
  };
}
