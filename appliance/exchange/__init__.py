"""校務連携: what comes from and goes to the 統合型校務支援システム, each with a receipt."""
