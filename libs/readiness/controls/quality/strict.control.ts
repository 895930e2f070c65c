import { failed, minutes, seconds, unknown, verified, type Control } from '../../control.js';

/** What `strict` stands for; each may be switched off again beside it. */
const strictFamily = [
  'alwaysStrict',
  'noImplicitAny',
  'noImplicitThis',
  'strictBindCallApply',
  'strictBuiltinIteratorReturn',
  'strictFunctionTypes',
  'strictNullChecks',
  'strictPropertyInitialization',
  'useUnknownInCatchVariables',
];
const companions = [
  'noUncheckedIndexedAccess',
  'exactOptionalPropertyTypes',
  'noImplicitOverride',
  'noFallthroughCasesInSwitch',
];

/** The build was compiled strictly, by its own manifest. */
export const strict: Control = {
  id: 'quality.code.strict',
  kind: 'static',
  timeout: seconds(1),
  interval: minutes(60),
  async verify({ manifest }) {
    if (!manifest) return unknown('no manifest beside the code', 'dist/build-manifest.json: npm run build');
    const { compilerOptions: options } = manifest;
    const off = [
      ...(options.strict === true ? [] : ['strict']),
      ...strictFamily.filter((name) => options[name] === false),
      ...companions.filter((name) => options[name] !== true),
    ];
    if (off.length > 0) {
      return failed(
        'strict, none of its family switched off, and its companions',
        `off: ${off.join(', ')}`,
        `set ${off.map((name) => `"${name}": true`).join(', ')} in tsconfig.json and build again`,
      );
    }
    return verified(
      `strict with ${companions.join(', ')}; built ${manifest.builtAt} from ${manifest.commit}`,
    );
  },
};
