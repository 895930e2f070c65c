import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { MailRepository, type ShownMail } from '#events';
import { MailSealer, Public, type Mail } from '#platform';
import { Pages } from '../pages/pages.js';
import { MailboxView, type ReadMail } from './mailbox.view.js';

const SHOWN = 50;

/** Where mail is read that nobody sends: outside production, without a mail server. Elsewhere it does not exist. */
@Controller('mailbox')
export class MailboxController {
  constructor(
    private readonly mails: MailRepository,
    private readonly sealer: MailSealer,
    private readonly pages: Pages,
  ) {}

  @Get()
  @Public()
  async show(@Res() reply: FastifyReply): Promise<void> {
    const mails = (await this.mails.latest(SHOWN)).flatMap((mail) => this.read(mail));
    this.pages.send(reply, <MailboxView mails={mails} />);
  }

  /** A mail under a key that was given up is none that anybody reads. */
  private read(sealed: ShownMail): ReadMail[] {
    let mail: Mail;
    try {
      mail = this.sealer.open(sealed);
    } catch {
      return [];
    }
    return [{ ...mail, id: sealed.id, at: sealed.createdAt }];
  }
}
