// Which room may import which (docs/ARCHITECTURE.md). `npx depcruise apps libs migrations` says where it is broken;
// test/architecture/import-rules.spec.ts runs it and sees every rule catch a planted violation.

/** Levels from the top; a library imports what stands below its own level, never a neighbor. */
const LEVELS = [
  ['readiness'],
  ['oauth'],
  ['sessions', 'licensing'],
  ['tokens', 'accounts'],
  ['events'],
  ['observability'],
  ['platform'],
];

const DOORS = ['^libs/[^/]+/index\\.ts$', '^libs/module-kit/(licensing|node|offline)/index\\.ts$'];
const SPEC = '\\.spec\\.tsx?$';

const levelRules = LEVELS.flatMap((level, index) => {
  const below = LEVELS.slice(index + 1).flat();
  return level.map((library) => ({
    name: `${library}-imports-down`,
    comment: 'Imports point down; neighbors on one level never meet.',
    severity: 'error',
    from: { path: `^libs/${library}/` },
    to: { path: '^libs/', pathNot: `^libs/(${[library, ...below, 'module-kit'].join('|')})/` },
  }));
});

export default {
  forbidden: [
    ...levelRules,
    {
      name: 'door-from-outside',
      comment: 'A library is entered by its index.ts.',
      severity: 'error',
      from: { path: '^(apps|migrations)/' },
      to: { path: '^libs/', pathNot: DOORS },
    },
    {
      name: 'door-between-libraries',
      comment: 'A library is entered by its index.ts.',
      severity: 'error',
      from: { path: '^libs/([^/]+)/' },
      to: { path: '^libs/', pathNot: ['^libs/$1/', ...DOORS] },
    },
    {
      name: 'kit-door-for-the-server',
      comment: 'The server shares the licensing decision and the license file with the kit and nothing else.',
      severity: 'error',
      from: { path: '^(libs|apps/(server|cli))/', pathNot: ['^libs/module-kit/', SPEC] },
      to: { path: '^libs/module-kit/', pathNot: '^libs/module-kit/(licensing|offline)/' },
    },
    {
      name: 'no-app-below',
      comment: 'Whatever is imported by an application knows none.',
      severity: 'error',
      from: { path: '^(libs|migrations)/' },
      to: { path: '^apps/' },
    },
    {
      name: 'no-app-beside',
      comment: 'An application is a process of its own.',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    {
      name: 'no-migrations-below',
      comment: 'The application that runs migrations passes them down.',
      severity: 'error',
      from: { path: '^libs/', pathNot: SPEC },
      to: { path: '^migrations/' },
    },
    {
      name: 'modules-are-customers',
      comment: 'The example modules use what a customer has: the module kit.',
      severity: 'error',
      from: { path: '^apps/(projects|reports)/' },
      to: { path: '^(libs|migrations)/', pathNot: '^libs/module-kit/' },
    },
    {
      name: 'kit-imports-packages-only',
      comment: "The kit runs in somebody else's process.",
      severity: 'error',
      from: { path: '^libs/module-kit/' },
      to: { path: '^(apps|libs|migrations)/', pathNot: '^libs/module-kit/' },
    },
    {
      name: 'pure-licensing',
      comment: 'The decision runs anywhere: without packages, and without the rest of the kit.',
      severity: 'error',
      from: { path: '^libs/module-kit/licensing/', pathNot: SPEC },
      to: { pathNot: '^libs/module-kit/licensing/' },
    },
    {
      name: 'core-without-nest',
      comment: 'What Express, Fastify and plain Node import loads no framework, however far it reaches.',
      severity: 'error',
      from: { path: '^libs/module-kit/node/', pathNot: SPEC },
      to: { path: '(^|node_modules/)(@nestjs/|reflect-metadata|rxjs|passport)', reachable: true },
    },
    {
      name: 'no-tests-in-production',
      comment: 'Test support is no part of what is shipped.',
      severity: 'error',
      from: { path: '^(apps|libs|migrations)/', pathNot: SPEC },
      to: { path: ['^test/', SPEC] },
    },
    {
      name: 'no-cycle',
      comment: 'What imports itself has no order in which it can be read or loaded.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'An import that cannot be found is looked at by no other rule.',
      severity: 'error',
      from: { path: '^(apps|libs|migrations)/' },
      to: { couldNotResolve: true },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/' },
    enhancedResolveOptions: {
      conditionNames: ['monolith-source', 'import', 'require', 'node', 'default', 'types'],
      exportsFields: ['exports'],
    },
  },
};
