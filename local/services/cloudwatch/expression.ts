/**
 * Metric math, as far as a rate needs it: + - * / with brackets, numbers, ids and FILL(id, number).
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */

/** A value for each id at one moment; undefined where there is no datapoint. */
export type ValueOf = (id: string) => number | undefined;

/** @returns a function that computes the expression. @throws Error for what is not understood. */
export function compileExpression(text: string): (read: ValueOf) => number | undefined {
  const tokens = text.match(/[A-Za-z_][A-Za-z0-9_]*|\d+(?:\.\d+)?|[-+*/(),]|\S/g) ?? [];
  let position = 0;
  type Part = (read: ValueOf) => number | undefined;

  const expect = (token: string): void => {
    if (tokens[position] !== token) throw new Error(`Expected ${token} in the expression ${text}`);
    position += 1;
  };
  const factor = (): Part => {
    const token = tokens[position];
    position += 1;
    if (token === undefined) throw new Error(`The expression ${text} ends too early`);
    if (token === '(') {
      const inner = sum();
      expect(')');
      return inner;
    }
    if (token === '-') {
      const inner = factor();
      return (read) => {
        const value = inner(read);
        return value === undefined ? undefined : -value;
      };
    }
    if (/^\d/.test(token)) return () => Number(token);
    if (token === 'FILL') {
      expect('(');
      const inner = sum();
      expect(',');
      const fill = sum();
      expect(')');
      return (read) => inner(read) ?? fill(read);
    }
    if (!/^[a-z]/.test(token)) throw new Error(`The local region does not know ${token} in metric math`);
    return (read) => read(token);
  };
  const binary = (left: Part, right: Part, compute: (a: number, b: number) => number | undefined): Part => {
    return (read) => {
      const [a, b] = [left(read), right(read)];
      return a === undefined || b === undefined ? undefined : compute(a, b);
    };
  };
  const product = (): Part => {
    let left = factor();
    while (tokens[position] === '*' || tokens[position] === '/') {
      const times = tokens[position] === '*';
      position += 1;
      // Division by zero gives no datapoint.
      left = binary(left, factor(), (a, b) => (times ? a * b : b === 0 ? undefined : a / b));
    }
    return left;
  };
  const sum = (): Part => {
    let left = product();
    while (tokens[position] === '+' || tokens[position] === '-') {
      const plus = tokens[position] === '+';
      position += 1;
      left = binary(left, product(), (a, b) => (plus ? a + b : a - b));
    }
    return left;
  };
  const whole = sum();
  if (position < tokens.length) throw new Error(`The expression ${text} goes on after its end`);
  return whole;
}
