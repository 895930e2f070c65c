/** Not an error: passport wants the browser to go there. */
export class PassportRedirect extends Error {
  constructor(
    readonly location: string,
    readonly status: number,
  ) {
    super('Redirect');
    this.name = 'PassportRedirect';
  }
}
