"""Register fields: one-time programmable bytes (EUI, model) and modem enables.

Sources: FACTS §3; names and defaults are those of sx1302_hal v2.1.0 (see ``NOTICE.md``).
"""

from hal.registers.bitfields import Field

OTP_BYTE_ADDR_ADDR = Field(0x6180, 0, 8)
OTP_RD_DATA_RD_DATA = Field(0x6181, 0, 8, read_only=True)
OTP_STATUS_CHECKSUM_STATUS = Field(0x6182, 4, 4, read_only=True)
OTP_STATUS_FSM_READY = Field(0x6182, 0, 1, read_only=True)
OTP_CFG_ACCESS_MODE = Field(0x6183, 0, 2)
OTP_BIT_POS_POS = Field(0x6184, 0, 3)
OTP_PIN_CTRL_0_TM = Field(0x6185, 4, 4)
OTP_PIN_CTRL_0_STROBE = Field(0x6185, 3, 1)
OTP_PIN_CTRL_0_PGENB = Field(0x6185, 2, 1)
OTP_PIN_CTRL_0_LOAD = Field(0x6185, 1, 1)
OTP_PIN_CTRL_0_CSB = Field(0x6185, 0, 1)
OTP_PIN_CTRL_1_FSCK = Field(0x6186, 2, 1)
OTP_PIN_CTRL_1_FSI = Field(0x6186, 1, 1)
OTP_PIN_CTRL_1_FRST = Field(0x6186, 0, 1)
OTP_PIN_STATUS_FSO = Field(0x6187, 0, 1, read_only=True)
OTP_MODEM_EN_0_MODEM_EN = Field(0x6188, 0, 8, 255)
OTP_MODEM_EN_1_MODEM_EN = Field(0x6189, 0, 8, 255)
OTP_MODEM_SF_EN_SF_EN = Field(0x618A, 0, 8, 255)
OTP_TIMESTAMP_EN_TIMESTAMP_EN = Field(0x618B, 0, 1, 1)
OTP_DUMMY_DUMMY = Field(0x618C, 0, 1, read_only=True)
