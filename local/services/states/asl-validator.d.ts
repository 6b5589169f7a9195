/** What the region uses of asl-validator, which ships no types. */
declare module 'asl-validator' {
  export interface AslError {
    readonly 'Error code': string;
    readonly Message: string;
    readonly schemaError?: { readonly instancePath: string };
  }
  const validate: (definition: unknown) => {
    readonly isValid: boolean;
    readonly errors: readonly AslError[];
  };
  export default validate;
}
