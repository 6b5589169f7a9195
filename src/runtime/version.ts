/** The project's version, put into the bundle from package.json. */
import manifest from '../../package.json' with { type: 'json' };

export const productVersion: string = manifest.version;
