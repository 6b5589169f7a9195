import { describe, expect, it } from 'vitest';
import { hasBootSignature, placePartitions, withPartitions } from '../../../src/image/layout.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const MiB = 1_048_576;

describe('a partition table', () => {
  it.each([
    // an entry of a disk that Ops made; its cylinders do not need the high bits
    [{ type: 0x83, startSector: 103, sectors: 24_576 }, '8001290083882e016700000000600000'],
    // cylinder 300: its two high bits are with the sector
    [{ type: 0x83, startSector: 300 * 16_065, sectors: 16_065 }, '8000412c83fe7f2c2c8a4900c13e0000'],
    // beyond cylinder 1,023 there is one address for all
    [{ type: 0xef, startSector: 30_000_000, sectors: 1 }, '80feffffeffeffff80c3c90101000000'],
  ])('has the entry of %o', (partition, entry) => {
    const sector = withPartitions(new Uint8Array(512).fill(0xcc), [partition]);
    expect(hex(sector.subarray(0x1be, 0x1ce))).toBe(entry);
    expect(hex(sector.subarray(0x1ce, 0x1fe))).toBe('00'.repeat(48));
    expect(hasBootSignature(sector)).toBe(true);
    expect(sector.subarray(0, 0x1be)).toEqual(new Uint8Array(0x1be).fill(0xcc));
  });
});

describe('the places of partitions', () => {
  it('leave room for the boot loader and the kernel’s log, and for an EFI partition where one is wanted', () => {
    expect(placePartitions(48_640, false)).toEqual({ bootFs: 0.5 * MiB, rootFs: 12.5 * MiB });
    expect(placePartitions(0.5 * MiB - 4096, false).bootFs).toBe(0.5 * MiB);
    expect(placePartitions(0.5 * MiB - 4095, false).bootFs).toBe(MiB);
    expect(placePartitions(48_640, true)).toEqual({
      efiSystem: 0.5 * MiB,
      bootFs: 33.5 * MiB,
      rootFs: 45.5 * MiB,
    });
  });
});
