from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.config_out_mode import ConfigOutMode, check_config_out_mode

if TYPE_CHECKING:
    from ..models.brand_out import BrandOut
    from ..models.features_out import FeaturesOut
    from ..models.language_out import LanguageOut
    from ..models.links_out import LinksOut
    from ..models.listed_asset_out import ListedAssetOut
    from ..models.listed_network_out import ListedNetworkOut
    from ..models.notice_out import NoticeOut
    from ..models.policy_out import PolicyOut
    from ..models.theme_out import ThemeOut


T = TypeVar("T", bound="ConfigOut")


@_attrs_define
class ConfigOut:
    api: str
    assets: list[ListedAssetOut]
    brand: BrandOut
    currencies: list[str]
    """ What estimates can be shown in """
    features: FeaturesOut
    """ What customers may begin; the API refuses what is off. """
    languages: list[LanguageOut]
    links: LinksOut
    mode: ConfigOutMode
    networks: list[ListedNetworkOut]
    notice: None | NoticeOut
    policy: PolicyOut
    """ Rules that the page says beforehand. """
    theme: ThemeOut
    version: str
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.notice_out import NoticeOut  # noqa: PLC0415

        api = self.api

        assets = []
        for assets_item_data in self.assets:
            assets_item = assets_item_data.to_dict()
            assets.append(assets_item)

        brand = self.brand.to_dict()

        currencies = self.currencies

        features = self.features.to_dict()

        languages = []
        for languages_item_data in self.languages:
            languages_item = languages_item_data.to_dict()
            languages.append(languages_item)

        links = self.links.to_dict()

        mode: str = self.mode

        networks = []
        for networks_item_data in self.networks:
            networks_item = networks_item_data.to_dict()
            networks.append(networks_item)

        notice: dict[str, Any] | None
        if isinstance(self.notice, NoticeOut):
            notice = self.notice.to_dict()
        else:
            notice = self.notice

        policy = self.policy.to_dict()

        theme = self.theme.to_dict()

        version = self.version

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "api": api,
                "assets": assets,
                "brand": brand,
                "currencies": currencies,
                "features": features,
                "languages": languages,
                "links": links,
                "mode": mode,
                "networks": networks,
                "notice": notice,
                "policy": policy,
                "theme": theme,
                "version": version,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.brand_out import BrandOut  # noqa: PLC0415
        from ..models.features_out import FeaturesOut  # noqa: PLC0415
        from ..models.language_out import LanguageOut  # noqa: PLC0415
        from ..models.links_out import LinksOut  # noqa: PLC0415
        from ..models.listed_asset_out import ListedAssetOut  # noqa: PLC0415
        from ..models.listed_network_out import ListedNetworkOut  # noqa: PLC0415
        from ..models.notice_out import NoticeOut  # noqa: PLC0415
        from ..models.policy_out import PolicyOut  # noqa: PLC0415
        from ..models.theme_out import ThemeOut  # noqa: PLC0415

        d = dict(src_dict)
        api = d.pop("api")

        assets = []
        _assets = d.pop("assets")
        for assets_item_data in _assets:
            assets_item = ListedAssetOut.from_dict(assets_item_data)

            assets.append(assets_item)

        brand = BrandOut.from_dict(d.pop("brand"))

        currencies = cast(list[str], d.pop("currencies"))

        features = FeaturesOut.from_dict(d.pop("features"))

        languages = []
        _languages = d.pop("languages")
        for languages_item_data in _languages:
            languages_item = LanguageOut.from_dict(languages_item_data)

            languages.append(languages_item)

        links = LinksOut.from_dict(d.pop("links"))

        mode = check_config_out_mode(d.pop("mode"))

        networks = []
        _networks = d.pop("networks")
        for networks_item_data in _networks:
            networks_item = ListedNetworkOut.from_dict(networks_item_data)

            networks.append(networks_item)

        def _parse_notice(data: object) -> None | NoticeOut:
            if data is None:
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                notice_type_0 = NoticeOut.from_dict(data)

                return notice_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(None | NoticeOut, data)

        notice = _parse_notice(d.pop("notice"))

        policy = PolicyOut.from_dict(d.pop("policy"))

        theme = ThemeOut.from_dict(d.pop("theme"))

        version = d.pop("version")

        config_out = cls(
            api=api,
            assets=assets,
            brand=brand,
            currencies=currencies,
            features=features,
            languages=languages,
            links=links,
            mode=mode,
            networks=networks,
            notice=notice,
            policy=policy,
            theme=theme,
            version=version,
        )

        config_out.additional_properties = d
        return config_out

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
