"""Register fields: which radio gives the clock.

Sources: FACTS §3; names and defaults are those of sx1302_hal v2.1.0 (see ``NOTICE.md``).
"""

from hal.registers.bitfields import Field

CLK_CTRL_CLK_SEL_CLKDIV_EN = Field(0x57C0, 2, 1)
CLK_CTRL_CLK_SEL_CLK_RADIO_B_SEL = Field(0x57C0, 1, 1)
CLK_CTRL_CLK_SEL_CLK_RADIO_A_SEL = Field(0x57C0, 0, 1)
CLK_CTRL_DUMMY_DUMMY = Field(0x57C1, 3, 1, read_only=True)
