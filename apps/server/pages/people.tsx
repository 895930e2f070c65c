import type { VNode } from 'preact';
import { mailHref } from './links.js';
import { roleName, type Role } from './roles.js';

/** An owner or administrator who can help. */
export interface Contact {
  readonly name: string;
  readonly email: string;
  readonly role: Role;
}

/** First letter of a name, as a tile; the name stands beside it. */
export function Monogram({ name }: { name: string }): VNode {
  const [first = '?'] = name.trim();
  return (
    <span class="monogram" aria-hidden="true">
      {first.toUpperCase()}
    </span>
  );
}

export function ContactList({ contacts, subject }: { contacts: readonly Contact[]; subject: string }): VNode {
  if (contacts.length === 0) {
    return <p class="muted">No owner or administrator is listed. Ask the person who invited you.</p>;
  }
  return (
    <ul class="contact-list">
      {contacts.map((contact) => (
        <li key={contact.email}>
          <Monogram name={contact.name} />
          <span class="contact">
            <span>
              {contact.name} <span class="muted small">{roleName(contact.role)}</span>
            </span>
            <a href={mailHref(contact.email, subject)}>{contact.email}</a>
          </span>
        </li>
      ))}
    </ul>
  );
}
