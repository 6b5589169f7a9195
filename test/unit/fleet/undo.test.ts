import { describe, expect, it } from 'vitest';
import { liveGroup, nextRemoval, nextUndo } from '../../../src/fleet/undo.ts';
import type { GroupView } from '../../../src/fleet/world.ts';
import { candidate, group, live, rest, restFleet, slot, world } from './undo-kit.ts';

describe('undoing', () => {
  it('first gives live the size that the traffic needs', () => {
    expect(nextUndo(world({ groups: [group(live, 2), group(candidate, 4)] }))).toEqual({
      do: 'resize',
      groupName: live.groupName,
      capacity: { minimum: 2, desired: 4, maximum: 4 },
      why: 'live has 2 instances, the traffic needs 4',
    });
    const small = { ...group(live, 2), maximum: 2 };
    expect(nextUndo(world({ groups: [small, group(candidate, 2)] })).do).toBe('weights');
  });
  it('counts only the candidate that serves, not what else is left over', () => {
    const old = { ...group(candidate, 4), name: 'flt-web-v0-r9' };
    expect(nextUndo(world({ groups: [group(live, 2), old, group(candidate, 2)] })).do).toBe('weights');
    expect(nextUndo(world({ groups: [old, group(live, 2), group(candidate, 3)] }))).toMatchObject({
      do: 'resize',
      capacity: { desired: 3 },
    });
  });
  it('says from where to where it sets the weights', () => {
    expect(nextUndo(world())).toEqual({
      do: 'weights',
      weights: { blue: 100, green: 0 },
      why: 'from blue 50 %, green 50 % back to blue 100 %, green 0 %',
    });
  });
  it('waits until live is healthy while the candidate serves', () => {
    const ill = { blue: slot('blue', 1), green: slot('green', 2) };
    expect(nextUndo(world({ slots: ill }))).toEqual({
      do: 'wait',
      reasons: ['live has 1 healthy targets of 2'],
    });
    expect(nextUndo(world({ slots: ill, undoingSeconds: 119 }))).toMatchObject({ do: 'wait' });
    expect(nextUndo(world({ slots: ill, undoingSeconds: 120 }))).toMatchObject({ do: 'weights' });
  });
  it('does not wait for all of live when the candidate answers nobody', () => {
    const slots = { blue: slot('blue', 1), green: slot('green', 0) };
    expect(nextUndo(world({ slots }))).toMatchObject({ do: 'weights', weights: { blue: 100, green: 0 } });
  });
  it('never gives live the traffic while it has no healthy target', () => {
    const slots = { blue: slot('blue', 0), green: slot('green', 0) };
    expect(nextUndo(world({ slots, undoingSeconds: 9_999 }))).toMatchObject({ do: 'wait' });
  });
  it('makes the group of live anew that is gone, as large as it was pinned at or as serves now', () => {
    const pin = (groupName: string, pinned: number) =>
      ({ kind: 'minimum-pinned', groupName, former: 1, pinned, deadline: '' }) as const;
    const lost = (pins: ReturnType<typeof pin>[], groups: readonly GroupView[]) =>
      nextUndo(world({ fleet: { ...world().fleet, pins }, groups }));
    const old = { ...group(candidate, 5), name: 'flt-web-v0-r9' };
    expect(lost([pin('other', 5), pin(live.groupName, 2)], [old, group(candidate, 4)])).toEqual({
      do: 'renew',
      live,
      capacity: { minimum: 2, desired: 4, maximum: 5 },
    });
    expect(lost([pin('other', 5)], [])).toMatchObject({ capacity: { minimum: 1, desired: 3 } });
  });
  it('finds the group of live by its name, and none where nothing is live', () => {
    const { fleet, groups } = world();
    expect(liveGroup({ fleet, groups })).toBe(groups[0]);
    expect(liveGroup({ fleet: { ...fleet, live: null }, groups })).toBeUndefined();
  });
  it('makes it anew also where it has all of the traffic, but only for a candidate that shall leave', () => {
    const groups = [group(candidate, 2)];
    expect(nextUndo(world({ ...rest, fleet: restFleet, groups }))).toMatchObject({ do: 'renew' });
    const fleet = { ...restFleet, candidate: null };
    expect(nextUndo(world({ ...rest, fleet, groups }))).toMatchObject({ do: 'shrink' });
  });
  it('waits while the group of live is being deleted', () => {
    const groups = [{ ...group(live, 2), deleting: true }, group(candidate, 2)];
    const wait = { do: 'wait', reasons: ['flt-web-v1-r1, which is live, is being deleted'] };
    expect(nextUndo(world({ groups }))).toEqual(wait);
    expect(nextUndo(world({ ...rest, fleet: restFleet, groups }))).toEqual(wait);
  });
  it('gives the traffic to a group that was made anew once it is healthy', () => {
    const groups = [{ ...group(live, 2), rollout: 2 }, group(candidate, 2)];
    const slots = { blue: slot('blue', 0), green: slot('green', 2) };
    expect(nextUndo(world({ groups, slots }))).toEqual({
      do: 'wait',
      reasons: ['live has 0 healthy targets of 2'],
    });
    expect(nextUndo(world({ groups }))).toMatchObject({ do: 'weights' });
  });
  it('writes down weights that were set before a crash', () => {
    expect(nextUndo(world(rest))).toEqual({ do: 'record-weights', weights: { blue: 100, green: 0 } });
  });
  it('takes the candidate away only after the nodes of the load balancer had time to follow', () => {
    expect(nextUndo(world({ ...rest, fleet: restFleet, secondsSinceShift: 9.9 }))).toEqual({
      do: 'wait',
      reasons: ['the weights changed 9 s ago; nodes may lag'],
    });
    expect(nextUndo(world({ ...rest, fleet: restFleet, secondsSinceShift: 10 }))).toEqual({
      do: 'shrink',
      groupName: candidate.groupName,
    });
  });
  it('sets the weights back that lineage moved a moment ago, whatever a late copy shows of the rule', () => {
    expect(nextUndo(world({ ...rest, secondsSinceShift: 9 }))).toMatchObject({
      do: 'weights',
      weights: { blue: 100, green: 0 },
    });
    expect(nextUndo(world({ ...rest, secondsSinceShift: 10 })).do).toBe('record-weights');
  });
  it('takes nothing away, and is not done, before the last call of the rollout shows', () => {
    const early = { ...rest, fleet: restFleet, undoingSeconds: 9.9 };
    expect(nextUndo(world(early))).toEqual({
      do: 'wait',
      reasons: ['the last call of the rollout may not show yet'],
    });
    expect(nextUndo(world({ ...early, groups: [group(live, 2)] }))).toMatchObject({ do: 'wait' });
    expect(nextUndo(world({ ...early, undoingSeconds: 10 }))).toMatchObject({ do: 'shrink' });
    expect(nextUndo(world({ ...early, undoingSeconds: 119, lastCallSeconds: 120 }))).toMatchObject({
      do: 'wait',
    });
  });
  it('keeps the candidate while live could not serve', () => {
    const slots = { blue: slot('blue', 0), green: slot('green', 2) };
    expect(nextUndo(world({ ...rest, fleet: restFleet, slots }))).toEqual({
      do: 'wait',
      reasons: ['live has no healthy target in blue; flt-web-v2-r2 may be needed'],
    });
  });
  it('keeps a group whose slot has traffic', () => {
    const fleet = { ...restFleet, candidate: null };
    expect(nextUndo(world({ fleet }))).toEqual({
      do: 'wait',
      reasons: ['green, the slot of flt-web-v2-r2, has 50 % of the traffic'],
    });
    // It is looked for among all of a group's target groups.
    const twice = { ...group(candidate, 2), targetGroupArns: ['arn:other', 'arn:green'] };
    expect(nextUndo(world({ fleet, groups: [group(live, 2), twice] })).do).toBe('wait');
  });
  it('empties a group whose size or minimum is not zero', () => {
    const base = { ...rest, fleet: restFleet };
    for (const [desired, minimum] of [
      [1, 0],
      [0, 1],
    ] as const) {
      const left = { ...group(candidate, desired, minimum), members: [] };
      expect(nextUndo(world({ ...base, groups: [group(live, 2), left] })).do).toBe('shrink');
    }
  });
  it('deletes an empty group, waits while it goes, and unpins last', () => {
    const pins = [
      { kind: 'minimum-pinned' as const, groupName: live.groupName, former: 1, pinned: 2, deadline: '' },
    ];
    const fleet = { ...restFleet, pins };
    const slots = { blue: slot('blue', 2), green: slot('green', 0) };
    const base = { ...rest, fleet, slots };
    const empty = group(candidate, 0);
    expect(nextUndo(world({ ...base, groups: [group(live, 2), empty] }))).toEqual({
      do: 'delete',
      groupName: candidate.groupName,
    });
    const leaving = { ...group(candidate, 2), minimum: 0, desired: 0 };
    expect(nextUndo(world({ ...base, groups: [group(live, 2), leaving] }))).toEqual({
      do: 'wait',
      reasons: ['2 instances of flt-web-v2-r2 still drain or end'],
    });
    expect(nextUndo(world({ ...base, groups: [group(live, 2), { ...empty, deleting: true }] }))).toEqual({
      do: 'wait',
      reasons: ['flt-web-v2-r2 is being deleted'],
    });
    expect(nextUndo(world({ ...base, groups: [group(live, 2)] }))).toEqual({
      do: 'unpin',
      groupName: live.groupName,
      minimum: 1,
      pinned: 2,
    });
    expect(nextUndo(world({ ...rest, fleet: restFleet, slots, groups: [group(live, 2)] }))).toEqual({
      do: 'done',
    });
  });
  it('waits for targets that still drain', () => {
    const old = [
      { id: 'i-old', state: 'draining' },
      { id: 'i-ill', state: 'unhealthy.draining' },
      { id: 'i-new', state: 'healthy' },
    ];
    const slots = { blue: slot('blue', 2), green: { targets: old } };
    expect(nextUndo(world({ ...rest, fleet: restFleet, slots, groups: [group(live, 2)] }))).toEqual({
      do: 'wait',
      reasons: ['i-old is draining', 'i-ill is unhealthy.draining'],
    });
    // In live's own slot something always comes and goes.
    const own = { blue: { targets: [...slot('blue', 2).targets, ...old] }, green: slot('green', 0) };
    expect(nextUndo(world({ ...rest, fleet: restFleet, slots: own, groups: [group(live, 2)] })).do).toBe(
      'done',
    );
    const none = { ...restFleet, live: null, served: false, weights: { blue: 0, green: 0 } };
    const rule = { weights: { blue: 0, green: 0 }, foreign: [], sticky: false };
    expect(nextUndo(world({ rule, fleet: none, slots: own, groups: [] })).do).toBe('wait');
  });
  it('keeps a candidate warm that was warm before, once live has all again', () => {
    const promises = { keepUntil: '2026-11-23T13:00:00.000Z', successorHeldAt: 2 };
    const taken = { ...candidate, growth: { to: 2, since: '', proven: true }, warm: promises };
    const warm = { ...candidate, ...promises };
    const fleet = { ...restFleet, candidate: taken };
    expect(nextUndo(world({ ...rest, fleet }))).toEqual({ do: 'keep-warm', warm });
    // Not before a late call of the rollout shows, nor before the traffic is back.
    expect(nextUndo(world({ ...rest, fleet, undoingSeconds: 9 })).do).toBe('wait');
    expect(nextUndo(world({ fleet: { ...fleet, weights: { blue: 50, green: 50 } } })).do).toBe('weights');
    // Then nothing is left to do; what is no warm group stays none.
    expect(nextUndo(world({ ...rest, fleet: { ...restFleet, candidate: null, warm } })).do).toBe('done');
    expect(nextUndo(world({ ...rest, fleet: restFleet })).do).toBe('shrink');
  });
  it('leaves the traffic where a person led it before the rollout, as long as that group stands', () => {
    const led = { ...candidate, warm: { keepUntil: '' }, byHand: true as const };
    const rule = { weights: { blue: 0, green: 100 }, foreign: [], sticky: false };
    const base = { rule, fleet: { ...restFleet, candidate: led } };
    const warm = { ...candidate, keepUntil: '' };
    expect(nextUndo(world(base))).toEqual({ do: 'keep-warm', warm });
    // Live need not become well first: nothing returns to it.
    expect(nextUndo(world({ ...base, slots: { blue: slot('blue', 0), green: slot('green', 2) } })).do).toBe(
      'keep-warm',
    );
    expect(nextUndo(world({ ...base, groups: [group(live, 2)] })).do).toBe('weights');
    const { byHand: _byHand, ...shifted } = led;
    expect(nextUndo(world({ rule, fleet: { ...restFleet, candidate: shifted } })).do).toBe('weights');
  });
  it('keeps nothing warm that is gone, or going', () => {
    const fleet = { ...restFleet, candidate: { ...candidate, warm: { keepUntil: '' } } };
    const slots = { blue: slot('blue', 2), green: slot('green', 0) };
    const [serving, going] = [group(live, 2), { ...group(candidate, 2), deleting: true }];
    expect(nextUndo(world({ ...rest, fleet, slots, groups: [serving] })).do).toBe('done');
    expect(nextUndo(world({ ...rest, fleet, groups: [serving, going] }))).toEqual({
      do: 'wait',
      reasons: [`${candidate.groupName} is being deleted`],
    });
  });
  it('leaves the warm release alone', () => {
    const warm = { ...candidate, keepUntil: '' };
    const fleet = { ...restFleet, candidate: null, warm };
    expect(nextUndo(world({ ...rest, fleet }))).toEqual({ do: 'done' });
  });
  it('does not touch weights that a person set while there was no candidate', () => {
    const fleet = { ...restFleet, candidate: null };
    expect(nextUndo(world({ fleet, groups: [group(live, 2)] }))).toEqual({ do: 'done' });
  });
  it('leaves no traffic where nothing was live before', () => {
    const fleet = { ...restFleet, live: null, served: false };
    expect(nextUndo(world({ fleet, groups: [group(candidate, 2)] }))).toMatchObject({
      do: 'weights',
      weights: { blue: 0, green: 0 },
    });
  });
  it('keeps the candidate that is to stay when it only makes room', () => {
    expect(nextRemoval(world({ ...rest, fleet: restFleet }), candidate.groupName)).toEqual({ do: 'done' });
  });
});
