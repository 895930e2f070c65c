// Old syntax and no dependencies: this file must run on the Node.js that it refuses.
var required = [20, 19];
var found = process.versions.node.split('.').map(Number);
if (found[0] < required[0] || (found[0] === required[0] && found[1] < required[1])) {
  process.stderr.write(
    'Core Auth needs Node.js ' +
      required.join('.') +
      ' or newer; this is Node.js ' +
      process.versions.node +
      '.\n',
  );
  process.exit(1);
}
