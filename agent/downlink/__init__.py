"""When, where and how loud a downlink may leave."""
