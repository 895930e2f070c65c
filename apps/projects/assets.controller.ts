import { Controller, Get, Header } from '@nestjs/common';
import { Public } from '@core-auth/module-kit';
import { STYLE_SHEET, STYLE_SHEET_PATH } from './pages/styles.js';

/** The one style sheet, under a name that changes with its content. */
@Controller()
@Public()
export class AssetsController {
  @Get(STYLE_SHEET_PATH)
  @Header('content-type', 'text/css; charset=utf-8')
  @Header('cache-control', 'public, max-age=31536000, immutable')
  styleSheet(): string {
    return STYLE_SHEET;
  }
}
