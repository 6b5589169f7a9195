/** Sums of DynamoDB's numbers, which are texts of up to 38 digits: exact, and as long as they come out. */

/** `one` plus `sign` times `other`, each in plain notation. */
export function sum(one: string, other: string, sign: 1n | -1n = 1n): string {
  const scale = Math.max(decimals(one), decimals(other));
  const total = scaled(one, scale) + sign * scaled(other, scale);
  const digits = String(total < 0n ? -total : total).padStart(scale + 1, '0');
  const whole = digits.slice(0, digits.length - scale);
  const fraction = digits.slice(digits.length - scale).replace(/0+$/, '');
  return `${total < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

function decimals(text: string): number {
  return text.split('.')[1]?.length ?? 0;
}

function scaled(text: string, scale: number): bigint {
  const [whole = '', fraction = ''] = text.split('.');
  return BigInt(whole + fraction.padEnd(scale, '0'));
}
