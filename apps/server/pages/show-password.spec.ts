import { describe, expect, it } from '@jest/globals';
import { runInNewContext } from 'node:vm';
import { assets } from './assets.js';

describe('the button after a field for a password', () => {
  it('shows what is typed, hides it again, and hides it before the form is sent', () => {
    const listeners: Record<string, () => void> = {};
    const listen = (event: string, listener: () => void) => (listeners[event] = listener);
    const button = { textContent: '', setAttribute: () => undefined, addEventListener: listen };
    const field = {
      id: 'password',
      type: 'password',
      labels: [{ textContent: 'New password' }],
      form: { addEventListener: listen },
      after: (element: object) => expect(element).toBe(button),
    };
    runInNewContext(assets.showPassword.body.toString(), {
      document: { createElement: () => button, currentScript: { previousElementSibling: field } },
    });
    const state = () => [field.type, button.textContent];
    expect(state()).toEqual(['password', 'Show new password']);
    listeners['click']?.();
    expect(state()).toEqual(['text', 'Hide new password']);
    listeners['click']?.();
    expect(state()).toEqual(['password', 'Show new password']);
    listeners['click']?.();
    listeners['submit']?.();
    expect(state()).toEqual(['password', 'Show new password']);
    expect.assertions(5);
  });
});
