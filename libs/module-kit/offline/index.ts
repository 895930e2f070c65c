export {
  CLOCK_TOLERANCE,
  isInstanceName,
  LICENSE_FILE_ALGORITHM,
  LICENSE_FILE_TYPE,
  LicenseFileDenied,
  LONGEST_FILE_DAYS,
  readLicenseFile,
  requireInForce,
  verifyLicenseFile,
  type LicenseFileClaims,
  type LicenseFileExpectations,
} from './license-file.js';
export {
  OfflineLicense,
  type OfflineDenial,
  type OfflineLicenseOptions,
  type OfflineSeatCode,
} from './offline-license.js';
