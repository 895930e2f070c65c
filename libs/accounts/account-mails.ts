import { mailLink, type Mail } from '#platform';

const NOT_YOU = 'If you did not ask for this, do nothing: without the link nothing happens.';
const NOT_YOURS =
  'If you did not do this, somebody else may know your password: choose a new one at once, by “Forgotten your password?” on the sign-in page, and tell whoever runs this service, or an administrator of your organization.';

export function registrationMail(to: string, issuer: string, secret: string): Mail {
  return {
    to,
    subject: 'Confirm your e-mail address',
    paragraphs: [
      'Somebody, hopefully you, wants to make an account with this address. Follow the link within an hour to choose a name and a password.',
      { label: 'Make the account', url: mailLink(issuer, '/register/complete', secret) },
      NOT_YOU,
    ],
  };
}

/** To an address that has an account already: the page that asked for it says nothing of that. */
export function alreadyRegisteredMail(to: string, issuer: string): Mail {
  return {
    to,
    subject: 'You have an account already',
    paragraphs: [
      'Somebody, hopefully you, wanted to make an account with this address. There is one already.',
      { label: 'Sign in', url: mailLink(issuer, '/sign-in') },
      { label: 'Choose a new password', url: mailLink(issuer, '/forgot-password') },
      'If you did not ask for this, do nothing.',
    ],
  };
}

export function resetMail(to: string, issuer: string, secret: string): Mail {
  return {
    to,
    subject: 'Choose a new password',
    paragraphs: [
      'Somebody, hopefully you, has forgotten the password of this account. Follow the link within an hour to choose another.',
      { label: 'Choose a new password', url: mailLink(issuer, '/reset-password', secret) },
      NOT_YOU,
    ],
  };
}

/** To an address without an account: the page that asked for it says nothing of that. */
export function noAccountMail(to: string): Mail {
  return {
    to,
    subject: 'There is no account with this address',
    paragraphs: [
      'Somebody, hopefully you, wanted to choose a new password with this address. There is no account with it that could be signed in to. Perhaps you have one with another address.',
      'If you did not ask for this, do nothing.',
    ],
  };
}

export function passwordChangedMail(to: string): Mail {
  return {
    to,
    subject: 'Your password was changed',
    paragraphs: [
      'The password of your account was changed just now, and every other session of it has ended.',
      NOT_YOURS,
    ],
  };
}

export function addressConfirmationMail(to: string, issuer: string, secret: string): Mail {
  return {
    to,
    subject: 'Confirm your new e-mail address',
    paragraphs: [
      'This is to become the address of your account. Follow the link within an hour, while you are signed in.',
      { label: 'Use this address', url: mailLink(issuer, '/account/address/confirm', secret) },
      NOT_YOU,
    ],
  };
}

/** To an address that another account has: the page that asked for it says nothing of that. */
export function addressTakenMail(to: string): Mail {
  return {
    to,
    subject: 'This address has an account already',
    paragraphs: [
      'Somebody wanted to make this the address of another account. It has an account of its own, so nothing was changed.',
      'If you did not ask for this, do nothing.',
    ],
  };
}

/** To the address that was left. Nothing in it can be followed: whoever took the account could be behind the link. */
export function addressChangedMail(to: string): Mail {
  return {
    to,
    subject: 'The e-mail address of your account was changed',
    paragraphs: [
      'Your account has another e-mail address from now on. This mail went to the one before it, and is the last.',
      'If you did not do this, tell whoever runs this service, or an administrator of your organization, at once, by telephone or in person.',
    ],
  };
}
