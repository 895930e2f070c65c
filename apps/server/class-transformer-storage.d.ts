/** Where class-transformer keeps what its decorators say; its types lie elsewhere in the package than its code. */
declare module 'class-transformer/cjs/storage.js' {
  export { defaultMetadataStorage } from 'class-transformer/types/storage.js';
}
