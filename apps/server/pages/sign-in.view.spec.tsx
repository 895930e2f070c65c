import { describe, expect, it } from '@jest/globals';
import { renderPage } from './render.js';
import { SignInView, type SignInFailure } from './sign-in.view.js';

const form = { csrfToken: 'token', returnTo: '/' };

function signIn(email: string, failure?: SignInFailure): string {
  return renderPage(<SignInView {...form} email={email} failure={failure} />);
}

function input(html: string, name: string): string {
  return new RegExp(`<input[^>]* name="${name}"[^>]*>`).exec(html)?.[0] ?? '';
}

describe('sign-in page', () => {
  it('lets password managers fill it in', () => {
    const html = signIn('');
    expect(input(html, 'email')).toContain('autocomplete="username webauthn"');
    expect(input(html, 'password')).toContain('autocomplete="current-password"');
    expect(input(html, 'password')).toMatch(/^<input type="password"/);
    expect(html).not.toMatch(/onpaste|readonly|maxlength/i);
  });

  it('keeps the address that was typed and never a password', () => {
    const html = signIn('owner@acme.example', { kind: 'invalid-credentials' });
    expect(input(html, 'email')).toContain('value="owner@acme.example"');
    expect(input(html, 'password')).not.toContain('value=');
  });

  it('puts the focus on the first field that has an error', () => {
    expect(input(signIn('', { kind: 'incomplete' }), 'email')).toContain('autofocus');
    expect(input(signIn('', { kind: 'incomplete' }), 'password')).not.toContain('autofocus');
    expect(input(signIn('a@b.example', { kind: 'invalid-credentials' }), 'password')).toContain('autofocus');
    expect(input(signIn('a@b.example', { kind: 'invalid-credentials' }), 'email')).not.toContain('autofocus');
  });

  it('describes a field by the error next to it, and announces a summary', () => {
    const html = signIn('a@b.example', { kind: 'invalid-credentials' });
    expect(input(html, 'password')).toContain('aria-invalid="true" aria-describedby="password-error"');
    expect(html).toContain('role="alert"');
    expect(html).toContain('The e-mail address or the password is not right.');
  });

  it('says in whole minutes when another attempt is allowed, and of a link by mail only when there may be one', () => {
    const locked = (retryAfterSeconds: number, byMail: boolean) =>
      signIn('', { kind: 'too-many-attempts', retryAfterSeconds, byMail });
    expect(locked(61, false)).toContain('Try again in 2 minutes.');
    expect(locked(0, false)).toContain('Try again in 1 minute.');
    expect(locked(3600, false)).toContain('Try again in 60 minutes.');
    expect(locked(86_399, false)).toContain('Try again in 24 hours.');
    expect(locked(0, false)).not.toContain('If there is an account');
    expect(locked(0, true)).toContain(
      'Try again in 1 minute. If there is an account with this address, a link',
    );
  });

  it('shows demonstration accounts only when they are given', () => {
    const html = renderPage(<SignInView {...form} demonstrationAccounts={['owner@acme.example']} />);
    expect(html).toContain('href="/sign-in?login_hint=owner%40acme.example&amp;return_to=%2F"');
    expect(signIn('')).not.toContain('Demonstration');
  });
});
